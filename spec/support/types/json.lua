-- json and jsonb.

local making = require "support.types.making"

local pick, digits, blanks = making.pick, making.digits, making.blanks

local M = {}

local json_value

local function json_string()
  local out = {}
  for i = 1, math.random(0, 6) do
    out[i] = pick {
      "a", "é", "😀", " ", "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u00e9", "\\uD83D\\uDE00", "\\ud83d",
      "\\ude00", "\\u0000", "\\u0001", "\\x",
      "\127", "'", "{", "xyz", "\\ud83d\\u0041", "word", "more words", "1", "b", "c",
    }
  end
  return '"' .. table.concat(out) .. '"'
end

local function json_list(depth, open, close, item)
  local out = {}
  for i = 1, math.random(0, 4) do
    out[i] = item(depth + 1)
  end
  return open .. table.concat(out, pick { ",", ", ", " ,\n" }) .. close
end

function json_value(depth)
  local kind = math.random(depth > 4 and 6 or 9)
  if kind <= 2 then
    return json_string()
  elseif kind <= 4 then
    return pick { "0", "-0", "1", "-12.5", "1e5", "1E-7", "0.10", digits(1, 20), "1" .. digits(0,
      9) .. "." .. digits(1, 9), "1e131071", "1e131072", "1e-16384" }
  elseif kind <= 6 then
    return pick { "true", "false", "null", "[]", "{}", "[ ]", "{ }" }
  elseif kind <= 8 then
    return json_list(depth, "[", "]", json_value)
  end
  return json_list(depth, "{", "}", function(inner)
    return json_string() .. pick { ":", ": ", " : " } .. json_value(inner)
  end)
end

local function nested(open, close, depth)
  return open:rep(depth) .. close:rep(depth)
end

local JSONS = {
  "", " ", "null", " null ", "nul", "nulll", "True", "TRUE", "tru", "true false", "1", "-", "-1", "+1", "01", "00",
  "-01", "1.", ".1", "1.e1", "1e", "1e+",
  "1e+1", "0x1", "NaN", "Infinity", "1a", "1_0", "[", "]", "{", "}", "[]", "{}", "[1,]", "[,1]", "[1 2]", "[1,,2]",
  "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
  "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "[1}", "{\"a\":1]", "\"", "\"a", "a\"",
  "'a'", "\"\t\"", "\"\n\"", "\"\1\"", "\"\31\"",
  "\"\127\"", "\"\\\"", "\"\\a\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u1234\"", "\"\\U1234\"",
  "\"\\u0000\"", "{\"\\u0000\":1}", "\"\\ud800\"",
  "\"\\udc00\"", "\"\\ud800\\udc00\"", "\"\\udbff\\udfff\"", "\"\\ud800\\ud800\"", "\"\\ud800x\"",
  "\"\\ud800\\n\"", "\"\\ud800\\\\\"", "\"\\ud800\\u0041\"",
  "\"\\uD83D\\uDE00\"", "\v1", "1\f", "\194\1601", "\239\187\1911", "// c\n1", "/**/1", "1;", "[1] x", "{} {}",
  "[[[[]]]]", "[[]", "[]]", "\\u0031", "\"\\u00e9é\"",
  "1e131071", "1e131072", "-1e131072", "1e-16383", "1e-16384", "0e131072", "0e-16384", "1e1073741822",
  "1e1073741823", "0e1073741823", "0e1073741822",
  "1e99999999999999999999", "0.0e-16382", "0.0e-16383", ("9"):rep(131072), ("9"):rep(131073), "[1e131072]",
  "0." .. ("0"):rep(16383), "0." .. ("0"):rep(16382) .. "1",
  nested("[", "]", 1000), nested("[", "]", 1001), nested("[", "]", 64), nested("[", "]", 65), nested('{"a":[',
    "]}", 500), nested('{"a":[', "]}", 501),
  nested('{"a":[', "]}", 32) .. "]", nested("[", "]", 63) .. "}", ("["):rep(2000), ("{"):rep(10),
}

-- Counts opened levels the plain way: none of the texts here has brackets inside strings that matter.
local function shallow(text)
  local depth, most = 0, 0
  for c in text:gsub('"[^"]*"', ""):gmatch("[%[%]{}]") do
    depth = depth + ((c == "[" or c == "{") and 1 or -1)
    most = math.max(most, depth)
  end
  return most <= 1000
end

local function json()
  return blanks(json_value(0))
end

local JSON = '{}[]",:1e.-\\u tn'

M.types = {
  { name = "json", send = "json_send", make = json, alphabet = JSON, picked = JSONS, shape = shallow },
  { name = "jsonb", send = "jsonb_send", make = json, alphabet = JSON, picked = JSONS, shape = shallow },
}

return M
