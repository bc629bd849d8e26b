"""What leaves through providers: deliveries, dead letters, providers, queues. No Textual, as in the model beside it."""
