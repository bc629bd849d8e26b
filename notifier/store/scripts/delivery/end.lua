-- Runs the script (client.py makes it the function `main`), and makes the changes that it gathered even where it stops
-- half-way: a record that says `queued` and stands in no queue would never be sent.
local well, answer = pcall(main)
flush()
if well then return answer end
return type(answer) == 'table' and answer or {err = tostring(answer)}
