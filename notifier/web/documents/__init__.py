"""Documents under `/docs`: guides, the reference of the API, and the descriptions that it is made of."""
