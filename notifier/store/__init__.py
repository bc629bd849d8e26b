"""The only code that speaks Redis: verbs of the domain in, values of the domain out.

Which kind of type a value gets, here and in all other rooms:

- `msgspec.Struct` for what crosses a border as JSON, or is made for every notification: requests, answers, the document
  under an instance's presence, `Arrivals`, `Item`. Frozen, unless it is filled step by step. It is checked where it is
  decoded, and costs less than a class to make.
- `NamedTuple` for a value within the program that is made once and only read: what a method of the store returns, a row
  of Redis' reply, a policy. Whatever has two fields or more that a caller tells apart gets one: no bare tuples over the
  border of a module. The order of its fields may be that of the reply or of a script's arguments.
- A class, with `__slots__` where there are many, for what has a life: it changes, holds a connection or a task, or is
  given its parts in the constructor.
- `Enum` for a closed set of words, `dict` only where the keys are data (users, channels), never for fixed fields.
"""
