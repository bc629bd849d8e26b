"""The only code that speaks Redis: verbs of the domain in, values of the domain out."""
