-- Texts to try types with, and what of them is accepted here.
--
-- `shape(text)` says, independently of the C code, which spellings we take: a text must be accepted
-- exactly when it has the shape and the server accepts it. So whatever the server takes and we do
-- not is stated here. Without a shape we take all that the server takes. Types with `spellings` take some
-- more, as the server does: ../spellings_spec.lua.

local M = {}

local function pick(list)
  return list[math.random(#list)]
end

local function digits(least, most)
  local out = {}
  for i = 1, math.random(least, most) do
    out[i] = math.random(0, 9)
  end
  return table.concat(out)
end

local function blanks(text)
  if math.random(10) > 1 then
    return text
  end
  return pick { "", " ", "\t", "\n", "  ", "\v\f\r" } .. text .. pick { "", " ", "\t ", "\r\n" }
end

--- Changes one character, leaves one out or puts one in.
function M.mutate(text, alphabet)
  local at = utf8.offset(text, math.random(utf8.len(text) + 1))
  local behind = utf8.offset(text, 2, at) or at
  local pick_at = math.random(#alphabet)
  local what = alphabet:sub(pick_at, pick_at)
  local kind = math.random(3)
  if kind == 1 then
    return text:sub(1, at - 1) .. what .. text:sub(at)
  end
  return text:sub(1, at - 1) .. (kind == 2 and what or "") .. text:sub(behind)
end

local function any_of(patterns)
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

local function words(list)
  local set = {}
  for word in list:gmatch("%S+") do
    set[word] = true
  end
  return function(text)
    return set[text:match("^[ \t-\r]*(.-)[ \t-\r]*$"):lower()] or false
  end
end

local function either(a, b)
  return function(text)
    return a(text) or b(text)
  end
end

local function integer()
  local near = pick { 32767, 32768, 2147483647, 2147483648, 0, 1, 9223372036854775807 }
  local text = pick {
    digits(1, 4), digits(1, 6), digits(4, 11), digits(8, 21), "000" .. digits(1, 20),
    ("%d"):format(near - math.random(-2, 2)), "9223372036854775808", "9223372036854775809", "18446744073709551616",
  }
  return blanks(pick { "", "", "-", "+" } .. text)
end

local INTEGERS = {
  "", " ", "-", "+", "0", "-0", "+0", "00", "- 1", "1 2", "--1", "+-1", "0x10", "0b1", "0o7", "1_000", "1.0",
  "1e3", "1,000",
  "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648", "-2147483649",
  "9223372036854775807",
  "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999",
  "18446744073709551617",
  "-18446744073709551615", "00000000000000000000000000001", "１", "1\194\160", "\194\1601", "NULL", "NaN", "1-",
  "\v1\f",
}

local function decimal()
  local text = pick {
    digits(1, 6), digits(0, 5) .. "." .. digits(0, 5), digits(1, 20) .. "." .. digits(1, 20), digits(1, 60),
    "0." .. ("0"):rep(math.random(0, 12)) .. digits(1, 8), digits(1, 4) .. ("0"):rep(math.random(0, 12)),
    ("9"):rep(math.random(1, 12)) .. "." .. ("9"):rep(math.random(0, 12)), digits(1, 9) .. "." .. pick { "5", "49",
      "50", "05", "995", "0000" },
    digits(1, 8) .. "." .. digits(0, 8) .. pick { "e", "E" } .. pick { "", "-", "+" } .. digits(1, 2),
    digits(1, 3) .. "e" .. pick { "", "-" } .. math.random(0, 400),
  }
  return blanks(pick { "", "", "-", "+" } .. text)
end

local DECIMALS = {
  "1234567890123.12", "123456789012.12", "12345678901234.1", "1000000000000", "-999999999999.9999",
  "999999999999.99995",
  "", " ", ".", "-", "+", "-.", "1.", ".1", "-.5", "+.5", "..1", "1..", "1.2.3", "1e", "1e+", "1e-", "e5", ".e5",
  "1.e5", ".1e5", "1e5.5", "1e 5",
  "1e\n5", "1 e5", "0", "-0", "+0", "0.0", "-0.00", "000.100", "0e0", "0e10", "0e-10", "1e10", "1e-10", "NaN",
  "nan", "NAN", "-NaN", "+nan", "nan(1)",
  "nan()", " NaN ", "inf", "-inf", "+inf", "Infinity", "-Infinity", "+Infinity", "infinit", "infinityx", "in",
  "INFINITY", " -inf ", "- inf", "0x10",
  "0x1p3", "1_000", "1,5", "1'000", "$1", "1e400", "-1e400", "1e-400", "1e308", "1.7976931348623157e308",
  "1.7976931348623159e308",
  "4.9e-324", "2.4e-324", "2.5e-324", "2.2250738585072014e-308", "1e-310", "3.4028235e38", "3.4028236e38",
  "3.5e38", "1.4e-45", "0.7e-45", "0.6e-45", "1e-40",
  "1e-46", "16777217", "9007199254740993", "9007199254740992", "0.1", "0.3", "123456789012345678", "1e22", "1e23",
  "0.1e23", "100e-2", "8.5e-1",
  "1e131071", "1e131072", "9.99e131071", "0.9e131072", "1e-16383", "1e-16384", "1e-16390", "0e-16383", "0e-16384",
  "0e1000000", "1e1000000000",
  "0e1000000000", "1e-1000000000", "0e-1000000000", "0e1073741822", "0e1073741823", "0e1073741824",
  "0e-1073741822", "0e-1073741823", "0e2147483647",
  "0e2147483648", "1e-2147483648", "0e99999999999999999999", "0e-99999999999999999999", "1e-99999999999999999999",
  "0." .. ("9"):rep(300),
  ("9"):rep(300) .. ".5", ("1"):rep(400), "0." .. ("0"):rep(400) .. "1", "9999.5", "99999.5", "0.00005", "-0.004",
  "-0.005", "0.005", "0.0049999",
  "49", "50", "-50", "449", "450", "149.999", "1000000000000000", "9999999999999999", "99999999999999999",
  "0.0000000000000001", "99999999.994", "99999999.995",
  "９", "1\194\160",
}

-- At the limits of numeric, in full.
local HUGE = {
  ("9"):rep(131072), ("9"):rep(131073), ("0"):rep(131080) .. "1", "0." .. ("0"):rep(16382) .. "1",
  "0." .. ("0"):rep(16383) .. "1",
  table.unpack(DECIMALS),
}

local function number_shape(extra)
  return either(
    function(text)
      local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
      local mantissa = bare:match("^[+-]?([%d.]+)$") or bare:match("^[+-]?([%d.]+)[eE][+-]?%d+$")
      return mantissa ~= nil and mantissa:find("%d") ~= nil
    end,
    words(extra)
  )
end

local function day()
  local year = pick { math.random(1, 9999), math.random(1990, 2030), 2000, 1900, 2024, 2023, 1, 9999, 0 }
  return ("%04d-%02d-%02d"):format(year, math.random(0, 13), pick { math.random(0, 32), math.random(1, 28), 28, 29,
    30, 31 })
end

local function clock()
  local text = ("%02d:%02d"):format(pick { math.random(0, 25), math.random(0, 23), 23, 24, 0 },
    pick { math.random(0, 60), 0, 59 })
  if math.random(4) > 1 then
    text = text .. (":%02d"):format(pick { math.random(0, 61), math.random(0, 59), 59, 60, 0 })
    if math.random(3) == 1 then
      text = text .. "." .. pick { digits(0, 7), digits(1, 6), "0", "000000", "000001", "999999" }
    end
  end
  return text
end

local function zone()
  local hour = pick { math.random(0, 17), math.random(0, 14), 15, 0 }
  local minute = pick { math.random(0, 60), 0, 30 }
  local sign = pick { "+", "-" }
  return pick { "", " " }
    .. pick { "Z", "", ("%s%02d"):format(sign, hour), ("%s%02d%02d"):format(sign, hour, minute),
      ("%s%02d:%02d"):format(sign, hour, minute) }
end

local DAYS = {
  "1800-02-29", "2100-02-29", "2200-02-29", "2400-02-29", "0400-02-29", "2024-04-31",
  "", " ", "2024-02-29", "2023-02-29", "2024-02-30", "1900-02-29", "2000-02-29", "0000-01-01", "0001-01-01",
  "9999-12-31", "10000-01-01", "2024-1-5",
  "2024-01-5", "24-01-05", "20240105", "2024/01/05", "2024.01.05", "05/01/2024", "January 5, 2024", "5 Jan 2024",
  "2024-Jan-05", "2024-13-01",
  "2024-00-10", "2024-01-00", "2024-01-32", "infinity", "-infinity", "now", "today", "yesterday", "epoch",
  "tomorrow", "J2451545", "2024-060",
  "2024-01-05 BC", "0001-01-01 BC", "2024-01-05T", "2024-01-05x", "+2024-01-05", "-2024-01-05", "2024-01-05 10:00",
  "2024-01-05 10:00:00",
  "\t2024-01-05\n", "2024 -01-05", "2024-01-05Z", "2024-01-05+02", "ABC", "NULL", "2024–01–05",
}

local CLOCKS = {
  "", "00:00", "24:00", "24:00:00", "24:00:00.000000", "24:00:00.000001", "24:01", "23:59:60", "23:59:60.5",
  "10:00:60", "10:00:60.5", "10:60", "25:00",
  "9:00", "09:5", "09:05:5", "0905", "090507", "09:05 AM", "09:05 pm", "09:05:07.", "09:05:07.1234567",
  "09:05:07.9999999", "09:05:07,5", "09:05.5",
  "T09:05", "noon", "allballs", "now", "09:05Z", "09:05+02", "09:05:07+02:00", "2024-01-05 09:05", ":05", "09:",
  "09::05", "-01:00", "09:05:07.5 ",
}

local MOMENTS = {
  "", "2024-02-30 10:00:00", "2024-02-29 10:00:00", "2024-02-29T10:00:00", "2024-02-29t10:00:00",
  "2024-02-29  10:00:00", "2024-02-29\t10:00:00",
  "2024-02-29 10:00:00Z", "2024-02-29 10:00:00z", "2024-02-29 10:00:00 Z", "2024-02-29 10:00:00  Z",
  "2024-02-29 10:00:00 UTC", "2024-02-29 10:00 CET",
  "2024-02-29 10:00:00+2", "2024-02-29 10:00:00+02", "2024-02-29 10:00:00+0230", "2024-02-29 10:00:00+02:30",
  "2024-02-29 10:00:00+02:30:15",
  "2024-02-29 10:00:00+15:59", "2024-02-29 10:00:00-15:59", "2024-02-29 10:00:00+16", "2024-02-29 10:00:00+02:60",
  "2024-02-29 10:00:00+",
  "2024-02-29 10:00:00+02:", "2024-02-29 10:00:00 + 02", "2024-02-29T10:00:00.123456+01:00",
  "2024-02-29T10:00+01:00", "2024-02-29T10:00Z", "2024-02-29",
  "2024-02-29 10", "2024-02-29T10", "20240229T100000", "2024-02-29T100000", "9999-12-31 24:00:00",
  "9999-12-31 23:59:59.999999", "0001-01-01 00:00:00",
  "0001-01-01 00:00:00+15:59", "9999-12-31 23:59:59-15:59", "0000-12-31 23:59:59", "2024-06-30 23:59:60",
  "2024-12-31 24:00", "infinity", "-infinity",
  "now", "epoch", "1709200800", "2024-02-29 10:00:00 BC", "2024-02-29 10:00 PM", "Thu Feb 29 10:00:00 2024",
  "29.02.2024 10:00", "2024-02-29 -10:00",
  " 2024-02-29 10:00:00\r\n", "2024-02-29 10:00:00.1234567", "2024-02-29 10:00:00.", "ABC",
  "2024-02-29 Europe/Paris", "2024-02-29 10:00 Europe/Paris",
}

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

local DATE = "%d%d%d%d%-%d%d%-%d%d"
local TIMES = { "%d%d:%d%d", "%d%d:%d%d:%d%d" }
for i = 1, 6 do
  TIMES[#TIMES + 1] = "%d%d:%d%d:%d%d%." .. ("%d"):rep(i)
end

local function combine(firsts, seconds)
  local out = {}
  for _, first in ipairs(firsts) do
    for _, second in ipairs(seconds) do
      out[#out + 1] = first .. second
    end
  end
  return out
end

local ISO = combine({ DATE .. "[ T]" }, TIMES)
local ZONED = combine(ISO, { "", " ?Z", " ?[+-]%d%d", " ?[+-]%d%d:?%d%d" })

local function moment()
  return blanks(day() .. pick { " ", "T" } .. clock())
end

local INTEGER_SHAPE = any_of { "[+-]?%d+" }
local SPECIALS = "nan inf +inf -inf infinity +infinity -infinity"
local DECIMAL_SHAPE = number_shape(SPECIALS)

local SPELLED = { date = true, time = true, timestamp = true, timestamptz = true, timetz = true, interval = true,
  inet = true, cidr = true }

local function try(name, send, make, alphabet, picked, shape, count)
  local of = name:match "^%a+"
  return { name = name, send = send, make = make, alphabet = alphabet, picked = picked, shape = shape,
    count = count, spellings = SPELLED[of] or name:find("[]", 1, true) ~= nil }
end

local function date()
  return blanks(day())
end

local function time()
  return blanks(clock())
end

local function zoned()
  return moment() .. zone()
end

local function json()
  return blanks(json_value(0))
end

local INTEGER = "0123456789-+ .x"
local DECIMAL = "0123456789-+ .eE,x"
local MOMENT = "0123456789:. TZ-+"
local JSON = '{}[]",:1e.-\\u tn'

-- Zones behind a time of day as behind a moment.
local function timetz()
  return blanks(clock() .. zone())
end

local TIMETZ = combine(TIMES, { "", " ?Z", " ?[+-]%d%d", " ?[+-]%d%d:?%d%d" })

local UNITS = words(("year yr mon month week day hour hr min minute sec second"):gsub("%S+", "%0 %0s"))

local function sign()
  return pick { "", "", "", "-", "+" }
end

local function clock_part()
  return sign() .. pick { digits(1, 3), digits(2, 2), digits(1, 6) } .. pick { ":%02d", ":%02d:%02d", ":%02d:%02d.5",
    ":%02d:%02d.123456" }:format(math.random(0, 61), math.random(0, 61))
end

local function units()
  local out = {}
  for _, unit in ipairs { "year", "mons", "weeks", "day", "hr", "min", "secs" } do
    if math.random(3) == 1 then
      local fraction = (unit == "secs" or math.random(40) == 1) and pick { "", ".5", "." .. digits(1, 7) } or ""
      out[#out + 1] = sign() .. digits(1, math.random(9)) .. fraction .. pick { " ", " ", "  ", "\t", "" } .. unit
    end
  end
  if math.random(3) == 1 then
    out[#out + 1] = clock_part()
  end
  if math.random(20) == 1 then
    out[1], out[#out] = out[#out], out[1]
  end
  return blanks(pick { "", "", "", "@ ", "@" } .. table.concat(out, " ") .. pick { "", "", "", " ago", " AGO" })
end

local function duration()
  local out = { "P" }
  for _, letter in ipairs { "Y", "M", "W", "D", "T", "H", "M", "S" } do
    if letter == "T" then
      out[#out + 1] = pick { "T", "T", "T", "" }
    elseif math.random(3) == 1 then
      local fraction = (letter == "S" or math.random(40) == 1) and pick { "", ".5", "." .. digits(1, 7) } or ""
      out[#out + 1] = sign() .. digits(1, math.random(9)) .. fraction .. letter
    end
  end
  return blanks(table.concat(out))
end

local function interval()
  return pick { units, duration }()
end

local INTERVALS = {
  "", " ", "P", "PT", "P1Y", "P1YT", "PT0S", "P1W", "P1W2D", "P1Y2M3DT4H5M6S", "P-1Y-2M", "p1y", "P1M1Y", "P1Y1Y",
  "P0001-02-03T04:05:06", "P1.5D", "PT1.5H", "PT1.5S", "PT-1.5S", "PT1.S", "PT.5S", "PT1.1234567S", "P1D4H", "P1S",
  "PT1Y", "P1Y2M3DT", "-P1D", "P 1D", "PT999999999.999999S", "PT1000000000S", "P178956970Y", "P178956971Y",
  "P999999999Y", "1", "5 ", "1-2", "1 2:03:04", "1 day", "1 DAY", "1day", "-1 day", "+1 day", "- 1 day",
  "-1 day 02:03:04", "-1 day +02:03:04", "-1 days -02:03:04", "1 day -02:03:04", "1 day 2 days", "2 days 1 week",
  "1 hour 04:05", "5 secs 04:05", "04:05:06 1 day", "04:05", "4:5", "04:60", "04:59:60", "04:05:06.1234567",
  "04:05:06.", "-00:00:01", "+00:00:01", "100:00:00", "999999:59:59", "1000000:00:00", "ago", "1 day ago",
  "@ 1 day ago", "@", "@ 1 day", "1 day ago ago", "1 year 2 mons 3 days 04:05:06.789", "1 month 1 mon", "1 m", "1 d",
  "1 decade", "1 century", "1 quarter", "1 day, 2 hours", "1.5 days", "0.5 secs", "-0.5 secs", ".5 secs", "6. secs",
  "1 sec", "1 ms", "infinity", "today", "1 y", "1e3 days", "999999999 days 1 week", "999999999 weeks",
  "306783378 weeks", "306783379 weeks", "999999999 hours 999999:00:00", "1\tday\n2 hours", "1 day2 hours",
  "178956970 years 7 mons", "178956970 years 8 mons", "-178956970 years -8 mons", "-178956970 years -9 mons",
}

local interval_number = "[+-]?" .. ("%d?"):rep(8) .. "%d"

local function interval_clock(text)
  local hours, rest = text:match("^[+-]?(%d+):(.*)$")
  local seconds = rest and (rest:match("^%d%d$") and "00" or rest:match("^%d%d:(%d%d?)$")
    or rest:match("^%d%d:(%d%d?)%.%d%d?%d?%d?%d?%d?$"))
  if not seconds and rest then -- "04:05:6" and more digits that are still below 60
    seconds = rest:match("^%d%d:(%d+)$") or rest:match("^%d%d:(%d+)%.%d%d?%d?%d?%d?%d?$")
  end
  return hours and #hours <= 6 and seconds and #seconds >= 2 and tonumber(seconds) < 60
    and tonumber(rest:sub(1, 2)) < 60
end

-- Behind the @ and before the "ago".
local function interval_units(text)
  local first_negative, seen_clock, count = text:find("^%-"), false, 0
  local at = 1
  while at <= #text do
    local part = text:match("^[+-]?%d+:[%d:.]+", at)
    local seen
    if part then
      if seen_clock or not interval_clock(part) then
        return false
      end
      seen_clock, seen = true, #part
    else
      local number, fraction, unit = text:match("^([+-]?%d+)(%.?%d*)[ \t-\r]+(%a+)", at)
      local whole = text:match("^[+-]?%d+%.?%d*[ \t-\r]+%a+", at)
      if not number or seen_clock or not number:find("^" .. interval_number .. "$") or not UNITS(unit) then
        return false
      end
      if fraction ~= "" and not (fraction:find("^%.%d%d?%d?%d?%d?%d?$") and unit:lower():find("^sec")) then
        return false
      end
      seen = #whole
    end
    if count > 0 and first_negative and not text:find("^[+-]", at) then
      return false
    end
    count = count + 1
    at = at + seen
    local gap = text:match("^[ \t-\r]+", at)
    if at <= #text and not gap then
      return false
    end
    at = at + #(gap or "")
  end
  return count > 0
end

local ISO_PARTS = { "Y", "M", "W", "D", "H", "M", "S" }

local function interval_iso(text)
  local next_part, behind_t, at = 1, false, 2
  while at <= #text do
    if not behind_t and text:sub(at, at) == "T" then
      behind_t, next_part, at = true, math.max(next_part, 5), at + 1
    end
    local number, fraction, letter = text:match("^(-?%d+)(%.?%d*)(%a)", at)
    if not number or not number:find("^" .. interval_number .. "$") then
      return false
    end
    if fraction ~= "" and not (letter == "S" and fraction:find("^%.%d%d?%d?%d?%d?%d?$")) then
      return false
    end
    while next_part <= (behind_t and 7 or 4) and ISO_PARTS[next_part] ~= letter do
      next_part = next_part + 1
    end
    if next_part > (behind_t and 7 or 4) then
      return false
    end
    next_part, at = next_part + 1, at + #number + #fraction + 1
  end
  return #text > 1
end

local function interval_shape(text)
  local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
  if bare:sub(1, 1) == "P" then
    return bare == text and interval_iso(bare)
  end
  bare = bare:gsub("^@[ \t-\r]*", "")
  local before = bare:match("^(.-)[ \t-\r]+[aA][gG][oO]$")
  return interval_units(before or bare)
end

local function address()
  local parts = {}
  if math.random(2) == 1 then
    for i = 1, math.random(20) == 1 and math.random(5) or 4 do
      parts[i] = pick { math.random(0, 255), math.random(0, 260), 0, 10, 192 }
    end
    return table.concat(parts, ".") .. pick { "", "", "/" .. math.random(0, 33), "/24", "/8", "/0" }
  end
  for i = 1, math.random(20) == 1 and math.random(9) or 8 do
    parts[i] = ("%x"):format(pick { math.random(0, 65535), 0, 0, 1 })
  end
  local text = table.concat(parts, ":")
  if math.random(2) == 1 then
    local from = math.random(#parts)
    local to = math.min(#parts, from + math.random(0, 6))
    text = table.concat(parts, ":", 1, from - 1) .. "::" .. table.concat(parts, ":", to + 1)
  end
  if math.random(10) == 1 then
    text = text:gsub("%x+:%x+$", "10.1.2.3")
  end
  return text .. pick { "", "", "/" .. math.random(0, 129), "/64", "/48", "/0" }
end

-- A network: what is behind its bits is zero.
local function network()
  local bits = math.random(0, 4) * 8
  local parts = {}
  for i = 1, 4 do
    parts[i] = i * 8 <= bits and math.random(0, 255) or 0
  end
  return pick { address(), table.concat(parts, ".") .. "/" .. bits, ("%x:%x::/32"):format(math.random(0, 65535),
    math.random(0, 65535)) }
end

local ADDRESSES = {
  "", " ", "0.0.0.0", "255.255.255.255", "256.0.0.0", "1.2.3", "1.2.3.4.5", "1.2.3.4/", "1.2.3.4/32", "1.2.3.4/33",
  "1.2.3.4/-1", "1.2.3.4/08", "1.2.3.4/0", "1.2.3.4/00", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4/ 8",
  "1.2.3.4/8 ", "10/8", "10.0.0.0/8", "10.1.0.0/8", "0x10.0.0.0", "::", "::1", "1::", ":1", "1:", ":::", "::/0",
  "::/128", "::/129", "::1/64", "2001:db8::/32", "2001:DB8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3::5", "12345::", "::ffff:1.2.3.4", "::1.2.3.4/120", "::1.2.3",
  "fe80::1%eth0",
  "1.2.3.4/1000", "host", "1,2,3,4", "1.2.3.4/24/8",
}

-- Four numbers without leading zeros, or what has a colon; bits without leading zeros.
local MACS = {
  "", "08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203", "08002b-010203", "0800.2b01.0203", "0800-2b01-0203",
  "08002b010203", "8:0:2b:1:2:3", " 08:00:2B:01:02:03\n", "08:00-2b:01:02:03", "08:00:2b:01:02", "08002b.010203",
  "08:00:2b:01:02:03:04", "08002b0102030", "0800:2b01:0203", "g8:00:2b:01:02:03", "08: 0:2b:01:02:03",
  "0x:00:2b:01:02:03",
}

local function mac()
  local plain = ("%012x"):format(math.random(0, 0xffffffffffff))
  local group = ({ 2, 4, 6, 12 })[math.random(4)]
  local between = group == 4 and ({ ".", "-" })[math.random(2)] or ({ ":", "-" })[math.random(2)]
  return blanks((plain:gsub(("."):rep(group), "%0" .. between):sub(1, -2)))
end

local function mac_shape(text)
  local plain = text:match("^%s*(.-)%s*$"):lower()
  local pair = "%x%x"
  for between, groups in pairs { [""] = { 6 }, [":"] = { 1, 3 }, ["%-"] = { 1, 2, 3 }, ["%."] = { 2 } } do
    for _, count in ipairs(groups) do
      local group = pair:rep(count)
      if plain:find("^" .. (group .. between):rep(6 // count - 1) .. group .. "$") then
        return true
      end
    end
  end
  return false
end

local function address_shape(text)
  local host, bits = text:match("^([^/]+)/(.*)$")
  host = host or text
  if bits and not (bits == "0" or bits:find("^[1-9]%d*$")) then
    return false
  end
  if host:find(":", 1, true) then
    local tail = host:match("[^:]*$")
    if tail:find(".", 1, true) then
      return tail:find("^%d+%.%d+%.%d+%.%d+$") ~= nil and not tail:find("%f[%d]0%d")
    end
    return tail ~= "" or host:find("::$") ~= nil
  end
  return host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil and not host:find("%f[%d]0%d")
end

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

local function array_text(one, depth)
  local out = {}
  for i = 1, math.random(20) == 1 and 1 or 2 do
    out[i] = depth > 1 and array_text(one, depth - 1) or one()
  end
  return "{" .. table.concat(out, pick { ",", ",", ", ", " ,\n" }) .. "}"
end

local function array_of(make)
  local function one()
    local text = pick { make, make, make, function()
      return pick { "NULL", "null", "Null", '"NULL"', "", '""' }
    end }()
    if math.random(3) == 1 then
      return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
    end
    return text
  end
  return function()
    if math.random(3) == 1 then
      local out = {}
      for i = 1, math.random(0, 5) do
        out[i] = one()
      end
      return blanks("{" .. table.concat(out, ",") .. "}")
    end
    return blanks(array_text(one, math.random(3)))
  end
end

local function element()
  return pick { "a", "b c", "é", "x\ty", "a'b", "", "\\", '"', "{", "}", ",", "NULL", "a b ", " c", "1", "\n",
    "word", "more", "two words" }
end

local ARRAYS = {
  "", " ", "{}", " { } ", "{ }", "{", "}", "{}}", "{{}}", "{{},{}}", "{,}", "{1,}", "{,1}", "{1,2}", "{1 , 2}",
  "{1 2}", "{1;2}", "{NULL}", "{null,NULL,NuLL}", '{"NULL"}', "{nulls}", "{{1,2},{3,4}}", "{{1,2},{3}}",
  "{{1},2}", "{1,{2}}", "{{1,2},NULL}", "{{{{{{1}}}}}}", "{{{{{{{1}}}}}}}", "[2:3]={1,2}", "[0:1]={1,2}", "1,2",
  "{1,2} x", "x {1,2}", '{"1","2"}', '{"1"2}', '{1"2"}', '{"1" }', '{ "1"}', '{"1""2"}', '{"1}', '{"1\\', "{\\1}",
  '{"\\1"}', "{a\\,b}", '{"a\\"b"}', '{"a\\\\b"}', '{""}', '{"", ""}', "{\t1\n}", "{a b , c d}", "{32768}",
  "{9223372036854775808}", "{{1,2},{3,4}", "{1,2}}", "{{1,2}{3,4}}", "{2024-01-02 03:04:05}",
  '{"2024-01-02 03:04:05+02",NULL}', "{0b1}", "{1.5}", "{\194\1601}", '{"1', '{"\\"}',
}

-- No lower bounds, no backslash outside of quotes, no braces without anything but the empty array.
local function array_shape(element_shape)
  return function(text)
    local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
    if bare:sub(1, 1) ~= "{" then
      return false
    end
    local good = true
    local out, i = {}, 1
    while i <= #bare do
      local c = bare:sub(i, i)
      if c == '"' then
        local j, content = i + 1, {}
        while j <= #bare and bare:sub(j, j) ~= '"' do
          if bare:sub(j, j) == "\\" then
            j = j + 1
          end
          content[#content + 1] = bare:sub(j, j)
          j = j + 1
        end
        good = good and (not element_shape or element_shape(table.concat(content)))
        out[#out + 1] = "Q"
        i = j + 1
      elseif c:find("[{},]") then
        out[#out + 1] = c
        i = i + 1
      else
        local run = bare:match('^[^{},"]+', i)
        local bare_run = run:match("^[ \t-\r]*(.-)[ \t-\r]*$")
        if bare_run ~= "" then
          good = good and not run:find("\\", 1, true)
          good = good and (bare_run:lower() == "null" or not element_shape or element_shape(bare_run))
          out[#out + 1] = "U"
        end
        i = i + #run
      end
    end
    local skeleton = table.concat(out)
    return good and (skeleton == "{}" or not skeleton:find("{}", 1, true))
  end
end

local CHARS = { "", " ", "abc", "abc ", "abcd", "abc   ", "abc d", "ééé", "éééé", "ééé  ", "a", " a", "a\t", "abc\t" }

--- Every type to try: its SQL name, the server's send function, a maker of random texts, an alphabet
--- to spoil them with, hand-picked texts, the shape, how many random texts.
M.types = {
  try("text", "textsend", text_value, nil, TEXTS),
  try("varchar", "varcharsend", text_value, nil, TEXTS),
  try("varchar(5)", "varcharsend", text_value, nil, TEXTS),
  try("varchar(1)", "varcharsend", text_value, nil, TEXTS, nil, 400),
  try("smallint", "int2send", integer, INTEGER, INTEGERS, INTEGER_SHAPE),
  try("integer", "int4send", integer, INTEGER, INTEGERS, INTEGER_SHAPE),
  try("bigint", "int8send", integer, INTEGER, INTEGERS, INTEGER_SHAPE),
  try("numeric", "numeric_send", decimal, DECIMAL, HUGE, DECIMAL_SHAPE, 3000),
  try("real", "float4send", decimal, DECIMAL, DECIMALS, DECIMAL_SHAPE),
  try("double precision", "float8send", decimal, DECIMAL, DECIMALS, DECIMAL_SHAPE),
  try("boolean", "boolsend", boolean, "trufalseyno10 ", BOOLEANS,
    words "true tru tr t false fals fal fa f yes ye y no n on off of 1 0"),
  try("date", "date_send", date, "0123456789-/ T:", DAYS, any_of { DATE }),
  try("time", "time_send", time, "0123456789:. Z", CLOCKS, any_of(TIMES)),
  try("timestamp", "timestamp_send", moment, MOMENT, MOMENTS, any_of(ISO)),
  try("timestamptz", "timestamptz_send", zoned, MOMENT, MOMENTS, any_of(ZONED)),
  try("uuid", "uuid_send", uuid, "0f-{} g", { "", " ", "{}", "-", "{", "}" }),
  try("json", "json_send", json, JSON, JSONS, shallow),
  try("jsonb", "jsonb_send", json, JSON, JSONS, shallow),
  try("timetz", "timetz_send", timetz, MOMENT, CLOCKS, any_of(TIMETZ)),
  try("interval", "interval_send", interval, "0123456789:. PYMDTHS-+", INTERVALS, interval_shape, 3000),
  try("inet", "inet_send", address, "0123456789.:/af ", ADDRESSES, address_shape),
  try("cidr", "cidr_send", network, "0123456789.:/af ", ADDRESSES, address_shape),
  try("macaddr", "macaddr_send", mac, "08aF:-. ", MACS, mac_shape),
  try("bytea", "byteasend", bytes_text, "0aFx\\ \n7", BYTES),
  try("char(3)", "bpcharsend", text_value, nil, CHARS),
  try("smallint[]", "array_send", array_of(integer), '{}", 1-NULL', ARRAYS, array_shape(INTEGER_SHAPE), 500),
  try("integer[]", "array_send", array_of(integer), '{}", 1-NULL', ARRAYS, array_shape(INTEGER_SHAPE), 500),
  try("bigint[]", "array_send", array_of(integer), '{}", 1-NULL', ARRAYS, array_shape(INTEGER_SHAPE)),
  try("text[]", "array_send", array_of(element), '{}", \\aNULL', ARRAYS, array_shape()),
  try("timestamptz[]", "array_send", array_of(zoned), '{}", 1-NULL', ARRAYS, array_shape(any_of(ZONED))),
  try("numeric(10,2)[]", "array_send", array_of(decimal), '{}", 1-NULL', ARRAYS, array_shape(DECIMAL_SHAPE), 500),
  try("varchar(3)[]", "array_send", array_of(element), '{}", \\aNULL', ARRAYS, array_shape(), 500),
  try("date[]", "array_send", array_of(date), '{}", 1-NULL', ARRAYS, array_shape(any_of { DATE }), 500),
  try("inet[]", "array_send", array_of(address), '{}", 1.NULL', ARRAYS, array_shape(address_shape), 500),
  try("interval[]", "array_send", array_of(interval), '{}", 1.NULL', ARRAYS, array_shape(interval_shape), 500),
}

for _, modifier in ipairs { "10,2", "5,0", "3,3", "2,5", "4,-2", "38,10", "1000,500", "1,0", "16,4" } do
  local picked = modifier == "1000,500" and HUGE or DECIMALS
  local name = ("numeric(%s)"):format(modifier)
  M.types[#M.types + 1] = try(name, "numeric_send", decimal, DECIMAL, picked, DECIMAL_SHAPE, 400)
end

local function formatted(pattern)
  return function()
    local values = {
      YYYY = ("%04d"):format(pick { math.random(1, 9999), math.random(1950, 2040), 2024, 0 }),
      YY = ("%02d"):format(math.random(0, 99)),
      MM = pick { ("%02d"):format(math.random(0, 13)), tostring(math.random(1, 12)) },
      DD = pick { ("%02d"):format(math.random(0, 32)), tostring(math.random(1, 31)) },
      Mon = pick { "Jan", "feb", "MAR", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mai" },
      Month = pick { "January", "february", "MARCH", "April", "May", "June", "July", "August", "September",
        "October", "November", "December", "Juni" },
      HH24 = pick { ("%02d"):format(math.random(0, 25)), tostring(math.random(0, 23)) },
      HH12 = pick { ("%02d"):format(math.random(0, 13)), tostring(math.random(1, 12)) },
      MI = ("%02d"):format(math.random(0, 60)), SS = ("%02d"):format(math.random(0, 60)), MS = digits(1, 3),
      US = digits(1, 6),
      AM = pick { "AM", "PM", "am", "pm" }, TZH = pick { "+", "-" } .. ("%02d"):format(math.random(0, 16)),
      TZM = ("%02d"):format(math.random(0, 60)),
    }
    return (pattern:gsub("<(%w+)>", values))
  end
end

-- Year 0, month 0, day 0, hour 24 and second 60, of which to_timestamp makes something, are not in the shapes.
local PARTS = {
  YEAR = { "%d%d%d[1-9]", "%d%d[1-9]0", "%d[1-9]00", "[1-9]000" },
  HOUR24 = { "[01]%d", "%d", "2[0-3]" },
  SECOND = { "[0-5]%d" },
  DAY = { "0?[1-9]", "[1-9]%d" },
  TWO = { "0[1-9]", "[1-9]%d" },
  NAME = { "%a+" },
  HALF = { "[APap][Mm]" },
}

-- Writes out a shape such as "DAY/DAY/YEAR": a list of Lua patterns. A ^ only parts two words.
local function expand(shape)
  local list = { "" }
  for between, word in ("^" .. shape .. "^"):gmatch("([^%u]*)(%u*2?4?)") do
    between = between:gsub("%^", "")
    list = combine(combine(list, { between }), PARTS[word] or { word })
  end
  return list
end

local function format_case(kind, format, pattern, shape)
  return {
    kind = kind,
    format = format,
    make = formatted(pattern),
    alphabet = "0123456789/-:. APM",
    count = 400,
    shape = any_of(expand(shape)),
  }
end

--- Formats to try: type, format, what texts are made of, shape.
M.formats = {
  format_case("date", "DD/MM/YYYY", "<DD>/<MM>/<YYYY>", "DAY/DAY/YEAR"),
  format_case("date", "MM/DD/YY", "<MM>/<DD>/<YY>", "DAY/DAY/%d%d"),
  format_case("date", "YYYYMMDD", "<YYYY><MM><DD>", "YEAR^TWO^TWO"),
  format_case("date", "DD.MM.YYYY", "<DD>.<MM>.<YYYY>", "DAY%.DAY%.YEAR"),
  format_case("date", "DD Mon YYYY", "<DD> <Mon> <YYYY>", "DAY %a%a%a YEAR"),
  format_case("date", "DDMonYYYY", "<DD><Mon><YYYY>", "DAY%a%a%a^YEAR"),
  format_case("date", "Month DD, YYYY", "<Month> <DD>, <YYYY>", "NAME DAY, YEAR"),
  format_case("timestamp", "DD/MM/YYYY HH24:MI:SS", "<DD>/<MM>/<YYYY> <HH24>:<MI>:<SS>",
    "DAY/DAY/YEAR HOUR24:%d%d:SECOND"),
  format_case(
    "timestamp",
    'YYYY-MM-DD"T"HH24:MI:SS.US',
    "<YYYY>-<MM>-<DD>T<HH24>:<MI>:<SS>.<US>",
    "YEAR%-DAY%-DAY[T]HOUR24:%d%d:SECOND%.%d%d?%d?%d?%d?%d?"
  ),
  format_case("timestamp", "MM/DD/YYYY HH12:MI AM", "<MM>/<DD>/<YYYY> <HH12>:<MI> <AM>",
    "DAY/DAY/YEAR DAY:%d%d HALF"),
  format_case("timestamp", "YYYYMMDDHH24MISSMS", "<YYYY><MM><DD><HH24><MI><SS><MS>",
    "YEAR^TWO^TWO^[012]%d%d%d^SECOND^%d%d%d"),
  format_case("timestamp", "YYYYMMDD", "<YYYY><MM><DD>", "YEAR^TWO^TWO"),
  format_case(
    "timestamptz",
    "YYYY-MM-DD HH24:MI:SS TZH:TZM",
    "<YYYY>-<MM>-<DD> <HH24>:<MI>:<SS> <TZH>:<TZM>",
    "YEAR%-DAY%-DAY HOUR24:%d%d:SECOND [+-]%d%d:%d%d"
  ),
  format_case("timestamptz", "DD/MM/YYYY HH24:MI", "<DD>/<MM>/<YYYY> <HH24>:<MI>", "DAY/DAY/YEAR HOUR24:%d%d"),
  format_case("time", "HH24:MI", "<HH24>:<MI>", "HOUR24:%d%d"),
  format_case("time", "HH12.MI.SS PM", "<HH12>.<MI>.<SS> <AM>", "DAY%.%d%d%.SECOND HALF"),
  format_case("time", "HH24MISS", "<HH24><MI><SS>", "%d%d%d%d^SECOND"),
}

return M
