-- Dates, times and moments.

local making = require "support.types.making"

local pick, digits, blanks, any_of, combine = making.pick, making.digits, making.blanks, making.any_of, making.combine

local M = {}

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

local DATE = "%d%d%d%d%-%d%d%-%d%d"
local TIMES = { "%d%d:%d%d", "%d%d:%d%d:%d%d" }
for i = 1, 6 do
  TIMES[#TIMES + 1] = "%d%d:%d%d:%d%d%." .. ("%d"):rep(i)
end

local ISO = combine({ DATE .. "[ T]" }, TIMES)
local ZONED = combine(ISO, { "", " ?Z", " ?[+-]%d%d", " ?[+-]%d%d:?%d%d" })

local function moment()
  return blanks(day() .. pick { " ", "T" } .. clock())
end

function M.date()
  return blanks(day())
end

local function time()
  return blanks(clock())
end

function M.zoned()
  return moment() .. zone()
end

local MOMENT = "0123456789:. TZ-+"

-- Zones after a time of day as after a moment.
local function timetz()
  return blanks(clock() .. zone())
end

local TIMETZ = combine(TIMES, { "", " ?Z", " ?[+-]%d%d", " ?[+-]%d%d:?%d%d" })

M.date_shape = any_of { DATE }
M.zoned_shape = any_of(ZONED)

M.types = {
  { name = "date", send = "date_send", make = M.date, alphabet = "0123456789-/ T:", picked = DAYS,
    shape = M.date_shape, spellings = true },
  { name = "time", send = "time_send", make = time, alphabet = "0123456789:. Z", picked = CLOCKS,
    shape = any_of(TIMES), spellings = true },
  { name = "timestamp", send = "timestamp_send", make = moment, alphabet = MOMENT, picked = MOMENTS,
    shape = any_of(ISO), spellings = true },
  { name = "timestamptz", send = "timestamptz_send", make = M.zoned, alphabet = MOMENT, picked = MOMENTS,
    shape = M.zoned_shape, spellings = true },
  { name = "timetz", send = "timetz_send", make = timetz, alphabet = MOMENT, picked = CLOCKS, shape = any_of(TIMETZ),
    spellings = true },
}

return M
