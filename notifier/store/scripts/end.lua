-- Runs the script (script.py makes it the function `main`), and tells what it found spoilt even where it fails.
local well, answer = pcall(main)
if not well then answer = as_reply(answer) end
return with_mended(answer)
