-- A delimiter or quote as people read it.

local names = { [","] = "comma", [";"] = "semicolon", ["\t"] = "tab", ["|"] = "pipe", [" "] = "blank", [":"] = "colon" }

--- "';' (semicolon)", "'\t' (tab)", "none".
---@param text string
---@return string
return function(text)
  if text == "" then
    return "none"
  end
  local escaped = text:gsub("[%c\x7f]", function(character)
    return character == "\t" and "\\t" or ("\\x%02x"):format(character:byte())
  end)
  return ("'%s'%s"):format(escaped, names[text] and " (" .. names[text] .. ")" or "")
end
