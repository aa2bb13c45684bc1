-- Explicit formats of dates and times, as in r.date():format "DD/MM/YYYY".

local making = require "support.types.making"

local pick, digits, any_of, combine = making.pick, making.digits, making.any_of, making.combine

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

-- Writes out a shape such as "DAY/DAY/YEAR": a list of Lua patterns. A ^ only separates two words.
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
return {
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
