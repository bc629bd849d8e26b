-- Runs the script (script.py makes it the function `main`), once more where keys of the user had to be mended first.
local well, answer = pcall(main)
if not well then
  local reply, own = as_reply(answer)
  answer = own and mend(ARGV[1]) and main() or reply
end
return with_mended(answer)
