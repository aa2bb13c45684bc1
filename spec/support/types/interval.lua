-- Intervals: units, a clock and ISO 8601.

local making = require "support.types.making"

local pick, digits, blanks, words = making.pick, making.digits, making.blanks, making.words

local M = {}

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

function M.interval()
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

-- After the @ and before the "ago".
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
  local next_part, after_t, at = 1, false, 2
  while at <= #text do
    if not after_t and text:sub(at, at) == "T" then
      after_t, next_part, at = true, math.max(next_part, 5), at + 1
    end
    local number, fraction, letter = text:match("^(-?%d+)(%.?%d*)(%a)", at)
    if not number or not number:find("^" .. interval_number .. "$") then
      return false
    end
    if fraction ~= "" and not (letter == "S" and fraction:find("^%.%d%d?%d?%d?%d?%d?$")) then
      return false
    end
    while next_part <= (after_t and 7 or 4) and ISO_PARTS[next_part] ~= letter do
      next_part = next_part + 1
    end
    if next_part > (after_t and 7 or 4) then
      return false
    end
    next_part, at = next_part + 1, at + #number + #fraction + 1
  end
  return #text > 1
end

function M.shape(text)
  local bare = text:match("^[ \t-\r]*(.-)[ \t-\r]*$")
  if bare:sub(1, 1) == "P" then
    return bare == text and interval_iso(bare)
  end
  bare = bare:gsub("^@[ \t-\r]*", "")
  local before = bare:match("^(.-)[ \t-\r]+[aA][gG][oO]$")
  return interval_units(before or bare)
end

M.types = {
  { name = "interval", send = "interval_send", make = M.interval, alphabet = "0123456789:. PYMDTHS-+",
    picked = INTERVALS, shape = M.shape, count = 3000, spellings = true },
}

return M
