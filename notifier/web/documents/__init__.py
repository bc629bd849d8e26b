"""What is served under `/docs`: guides, the reference of the API, and the documents both are made of."""
