-- What texts of all types are made of, and what describes their shapes.

local M = {}

--- One of a list, at random.
function M.pick(list)
  return list[math.random(#list)]
end

--- So many digits, at random.
function M.digits(least, most)
  local out = {}
  for i = 1, math.random(least, most) do
    out[i] = math.random(0, 9)
  end
  return table.concat(out)
end

--- A text as it is, or sometimes with blanks around it.
function M.blanks(text)
  if math.random(10) > 1 then
    return text
  end
  return M.pick { "", " ", "\t", "\n", "  ", "\v\f\r" } .. text .. M.pick { "", " ", "\t ", "\r\n" }
end

--- Changes one character, leaves one out or puts one in.
function M.mutate(text, alphabet)
  local at = utf8.offset(text, math.random(utf8.len(text) + 1))
  local after = utf8.offset(text, 2, at) or at
  local pick_at = math.random(#alphabet)
  local what = alphabet:sub(pick_at, pick_at)
  local kind = math.random(3)
  if kind == 1 then
    return text:sub(1, at - 1) .. what .. text:sub(at)
  end
  return text:sub(1, at - 1) .. (kind == 2 and what or "") .. text:sub(after)
end

--- The shape of texts that match one of the patterns, blanks around them aside.
function M.any_of(patterns)
  return function(text)
    local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
    for _, pattern in ipairs(patterns) do
      if bare:find("^" .. pattern .. "$") then
        return true
      end
    end
    return false
  end
end

--- The shape of texts that are one of the words, in any case.
function M.words(list)
  local set = {}
  for word in list:gmatch("%S+") do
    set[word] = true
  end
  return function(text)
    return set[text:match("^[ \t-\r]*(.-)[ \t-\r]*$"):lower()] or false
  end
end

--- The shape of texts that have one shape or the other.
function M.either(a, b)
  return function(text)
    return a(text) or b(text)
  end
end

--- Each text of the first list before each of the second.
function M.combine(firsts, seconds)
  local out = {}
  for _, first in ipairs(firsts) do
    for _, second in ipairs(seconds) do
      out[#out + 1] = first .. second
    end
  end
  return out
end

return M
