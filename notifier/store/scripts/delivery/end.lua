-- Runs the script (script.py makes it the function `main`), and makes the changes that it gathered even where it stops
-- half-way: a record that says `queued` and stands in no queue would never be sent.
local well, answer = pcall(main)
flush()
if not well then answer = as_reply(answer) end
return with_mended(answer)
