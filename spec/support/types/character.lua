-- Texts, and the types that have a form of their own: boolean, uuid, bytea.

local making = require "support.types.making"

local pick, blanks, words = making.pick, making.blanks, making.words

local M = {}

local HEX = "0123456789abcdefABCDEF"
local HYPHENS = { [8] = true, [12] = true, [16] = true, [20] = true }

local function uuid()
  local out = {}
  local style = math.random(4)
  for i = 1, 32 do
    local at = math.random(#HEX)
    out[#out + 1] = HEX:sub(at, at)
    if style == 1 and HYPHENS[i] or style == 2 and i % 4 == 0 and i < 32 and math.random(3) == 1 then
      out[#out + 1] = "-"
    end
  end
  local text = table.concat(out)
  return math.random(5) == 1 and "{" .. text .. "}" or text
end

local CHARACTERS = { "a", "b", "é", "€", "😀", " ", " ", "'", '"', "\\", "\t", "\n", "x", "NULL", "e\204\129" }

local function text_value()
  local out = {}
  for i = 1, math.random(0, 12) do
    out[i] = pick(CHARACTERS)
  end
  return table.concat(out) .. (math.random(3) == 1 and (" "):rep(math.random(0, 8)) or "")
end

local TEXTS = { "", " ", "     ", "      ", "abcde", "abcdef", "abcde ", "abcde      ", "abcde\t", "abcde x",
  "ééééé", "éééééé", "ééééé  ", "😀😀😀😀😀", "😀😀😀😀😀x", "a", "ab" }

local function boolean()
  local word = pick { "true", "false", "t", "f", "yes", "no", "1", "0", "on", "off", "y", "n", "tr", "fa", "ye",
    "of" }
  local out = word:gsub(".", function(c)
    return math.random(2) == 1 and c:upper() or c
  end)
  return blanks(out)
end

local BOOLEANS = { "", " ", "true", "FALSE", "T", "f", "Yes", "nO", "1", "0", "on", "off", "y", "n", "tru", "fals",
  "ye", "2", "-1", "10", "00", "01", "truex", "true false", " yes ", "wahr", "NULL", "Q", "\81", "\17" }

local CHARS = { "", " ", "abc", "abc ", "abcd", "abc   ", "abc d", "ééé", "éééé", "ééé  ", "a", " a", "a\t", "abc\t" }

local function bytes_text()
  local out = {}
  if math.random(2) == 1 then
    for i = 1, math.random(0, 12) do
      out[i] = ("%02x"):format(math.random(0, 255)):gsub("%a", math.random(2) == 1 and string.upper or string.lower)
        .. (math.random(8) == 1 and pick { " ", "\n", "\t", "\r", "\v" } or "")
    end
    return "\\x" .. table.concat(out)
  end
  for i = 1, math.random(0, 8) do
    out[i] = pick { "a", "é", "\\\\", "\\000", "\\377", "\\012", " ", "x", "\\400", "\\18", "\\" }
  end
  return table.concat(out)
end

local BYTES = { "", "\\x", "\\X41", "\\x4", "\\x4 1", "\\x41 42", " \\x41", "\\x41 ", "\\\\x41", "x41", "\\",
  "\\1", "\\12", "\\123", "\\477", "\\389", "\\x\\101", "\\x4g", "\\xé" }

M.types = {
  { name = "text", send = "textsend", make = text_value, picked = TEXTS },
  { name = "varchar", send = "varcharsend", make = text_value, picked = TEXTS },
  { name = "varchar(5)", send = "varcharsend", make = text_value, picked = TEXTS },
  { name = "varchar(1)", send = "varcharsend", make = text_value, picked = TEXTS, count = 400 },
  { name = "char(3)", send = "bpcharsend", make = text_value, picked = CHARS },
  { name = "boolean", send = "boolsend", make = boolean, alphabet = "trufalseyno10 ", picked = BOOLEANS,
    shape = words "true tru tr t false fals fal fa f yes ye y no n on off of 1 0" },
  { name = "uuid", send = "uuid_send", make = uuid, alphabet = "0f-{} g",
    picked = { "", " ", "{}", "-", "{", "}" } },
  { name = "bytea", send = "byteasend", make = bytes_text, alphabet = "0aFx\\ \n7", picked = BYTES },
}

return M
