-- Text as a terminal shows it: how wide it is, and what must be escaped before it reaches the terminal.

local M = {}

local CUT = "…"

-- Code points two columns wide: East Asian Wide and Fullwidth (Unicode 15, EastAsianWidth.txt), by block.
local wide = {
  { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 },
  { 0x23f3, 0x23f3 }, { 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
  { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
  { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 },
  { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x2728, 0x2728 },
  { 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
  { 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 },
  { 0x2e80, 0x303e }, { 0x3041, 0x4dbf }, { 0x4e00, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },
  { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
  { 0x16fe0, 0x18cff }, { 0x1aff0, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e },
  { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 },
  { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e },
  { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f567 }, { 0x1f57a, 0x1f57a },
  { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc },
  { 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7f0 },
  { 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
}

-- Code points without a width: combining marks, joiners, variation selectors (general categories Mn, Me, Cf).
local zero = {
  { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x5bf, 0x5bf }, { 0x5c1, 0x5c2 }, { 0x5c4, 0x5c5 },
  { 0x610, 0x61a }, { 0x64b, 0x65f }, { 0x670, 0x670 }, { 0x6d6, 0x6dc }, { 0x6df, 0x6e4 }, { 0x6e7, 0x6e8 },
  { 0x6ea, 0x6ed }, { 0x900, 0x902 }, { 0x93a, 0x93a }, { 0x93c, 0x93c }, { 0x941, 0x948 }, { 0x94d, 0x94d },
  { 0xe31, 0xe31 }, { 0xe34, 0xe3a }, { 0xe47, 0xe4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200c, 0x200d },
  { 0x20d0, 0x20f0 }, { 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
  { 0xe0100, 0xe01ef },
}

-- Code points that are invisible or change the direction of text: shown as escapes.
local hidden = {
  { 0x80, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200b }, { 0x200e, 0x200f },
  { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe00ff },
}

local function within(ranges, code)
  local low, high = 1, #ranges
  while low <= high do
    local middle = (low + high) // 2
    local range = ranges[middle]
    if code < range[1] then
      high = middle - 1
    elseif code > range[2] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

local function code_width(code)
  if code < 0x300 then
    return 1
  end
  return within(zero, code) and 0 or within(wide, code) and 2 or 1
end

local control = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_byte(byte)
  return control[byte] or ("\\x%02x"):format(byte:byte())
end

-- Beyond ASCII: piece by piece, as the longest valid UTF-8 (no surrogates) allows.
local function make_harmless(text)
  local pieces, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    local stop = bad and bad - 1 or #text
    for _, code in utf8.codes(text:sub(at, stop)) do
      pieces[#pieces + 1] = within(hidden, code) and ("\\u{%x}"):format(code) or utf8.char(code)
    end
    if bad then
      pieces[#pieces + 1] = escape_byte(text:sub(bad, bad))
      stop = bad
    end
    at = stop + 1
  end
  return table.concat(pieces)
end

--- Text in which control characters, invisible characters and bytes that are not UTF-8 are escapes.
---@param text string
---@return string
function M.harmless(text)
  if text:find("[\128-\255]") then
    text = make_harmless(text)
  end
  return (text:gsub("[%z\1-\31\127]", escape_byte))
end

local function json_escape(code)
  if code < 0x10000 then
    return ("\\u%04x"):format(code)
  end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff))
end

-- How the characters in `hidden`, and DEL, begin in UTF-8: most text has none, and is not taken apart.
local hidden_leads = { "\127", "\xC2[\x80-\x9F\xAD]", "\xD8\x9C", "\xE1\xA0\x8E", "\xE2\x80[\x8B-\xAE]",
  "\xE2\x81", "\xEF[\xBB\xBF]", "\xF3\xA0" }

local function may_be_hidden(text)
  for _, lead in ipairs(hidden_leads) do
    if text:find(lead) then
      return true
    end
  end
  return false
end

--- JSON in which the same are escapes of JSON; bytes that are not UTF-8 become U+FFFD.
---@param text string JSON without control characters below 32
---@return string
function M.harmless_json(text)
  if not text:find("[\127-\255]") or (utf8.len(text) and not may_be_hidden(text)) then
    return text
  end
  local pieces, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    for _, code in utf8.codes(text:sub(at, bad and bad - 1 or #text)) do
      pieces[#pieces + 1] = (code == 127 or within(hidden, code)) and json_escape(code) or utf8.char(code)
    end
    pieces[#pieces + 1] = bad and "\\ufffd" or nil
    at = bad and bad + 1 or #text + 1
  end
  return table.concat(pieces)
end

--- Columns that valid UTF-8 without control characters takes on a terminal.
---@param text string
---@return integer
function M.width(text)
  if not text:find("[\128-\255]") then
    return #text
  end
  local width = 0
  for _, code in utf8.codes(text) do
    width = width + code_width(code)
  end
  return width
end

--- The text in lines of at most `width` columns, broken at blanks; all but the first are indented. A longer word has a
--- line of its own, in one piece, so that a path or a command can be copied.
---@param text string
---@param width integer
---@param indent integer columns
---@return string
function M.wrapped(text, width, indent)
  if M.width(text) <= width then
    return text
  end
  local parts, used = {}, 0
  for blanks, word in text:gmatch "( *)([^ ]+)" do
    local size = M.width(word)
    if used > indent and used + #blanks + size > width then
      parts[#parts + 1], used, blanks = "\n" .. (" "):rep(indent), indent, ""
    end
    parts[#parts + 1], used = blanks .. word, used + #blanks + size
  end
  return table.concat(parts)
end

--- The text, or as much of it as fits `width` columns with a mark that something is missing.
---@param text string
---@param width integer
---@return string
function M.cut(text, width)
  if M.width(text) <= width then
    return text
  end
  local kept, used = {}, 0
  for _, code in utf8.codes(text) do
    used = used + code_width(code)
    if used > width - 1 then
      break
    end
    kept[#kept + 1] = utf8.char(code)
  end
  return table.concat(kept) .. CUT
end

return M
