-- Spellings of values that types of rules take besides the usual one: each as the server's own input reads it, and
-- the same under every DateStyle and IntervalStyle. What a setting, a clock or a table of zones decides is refused.

local driver = require "support.type_driver"
local making = require "support.types.making"

local combine = making.combine

local M = { date = "date_send", time = "time_send", timestamp = "timestamp_send", timestamptz = "timestamptz_send",
  timetz = "timetz_send", interval = "interval_send", boolean = "boolsend", inet = "inet_send", cidr = "cidr_send",
  ["integer[]"] = "array_send", ["text[]"] = "array_send", ["timestamp[]"] = "array_send",
  ["timestamptz[]"] = "array_send" }

local settings = {
  "set datestyle = 'ISO, MDY'; set intervalstyle = postgres;",
  "set datestyle = 'SQL, DMY'; set intervalstyle = sql_standard;",
  "set datestyle = 'German, YMD'; set intervalstyle = iso_8601;",
}

local months = { "Jan", "feb", "MAR", "April", "May", "june", "Jul", "AUG", "Sept", "october", "Nov", "December" }

local function join(...)
  local out = {}
  for _, list in ipairs { ... } do
    table.move(list, 1, #list, #out + 1, out)
  end
  return out
end

local days = { "2024-1-5", "2024-01-5", "20240105", "2024/01/05", "2024/2/29", "January 5, 2024", "5 Jan 2024",
  "2024-Jan-05", "5-Jan-2024", "05/Feb/2024", "Thu Feb 29 2024", "Thursday, 29 February 2024", "Jan 5 2021",
  "9999/12/31", "0001/1/1", "infinity", "-infinity", "INFINITY", "epoch" }
for i, month in ipairs(months) do
  days[#days + 1] = ("%d %s %d"):format(i, month, 2000 + i)
  days[#days + 1] = ("%s %02d, %d"):format(month, i, 1970 + i)
end

local midnights = combine({ "2024-01-05", "2024/1/5", "20240105", "5 Jan 2024" }, { " 00:00", " 00:00:00.000",
  " 12:00 AM" })

local clocks = { "9:05", "9:05:07", "04:05 PM", "04:05PM", "12:00 AM", "12:30 pm", "12:00:01 AM", "04:05:06.7891234",
  "04:05:06.7891235", "04:05:06.0000005", "04:05:06.0000015", "04:05:06.99999951", "23:59:59.9999999",
  "04:05:06.123456789012345", "0:00" }

local moments = { "2024-01-02", "2024-01-02 03:04:05.1234567", "2024-01-02 9:05", "20240102T030405", "20240102T0304",
  "2024-01-02T030405.25", "20240102 03:04:05", "2024-01-02  03:04", "2024-01-02t03:04", "2024-01-02 03:04:05 PM",
  "Thu Feb 29 10:00:00 2024", "Thu, 29 Feb 2024 10:00:00", "Feb 29 2024 10:00PM", "29-Feb-2024 10:00:00.5",
  "2024/02/29 24:00", "2024-2-29 23:59:60" }

local in_utc = combine({ "2023-07-20 22:02:38", "2023/7/20 9:05", "Thu, 20 Jul 2023 22:02:38", "20230720T220238" },
  { " UTC", " utc", "Z", "z", " GMT", "+00", " +0000", "+0:00", " -00:00" })

local zoned = combine({ "2023-07-20 22:02:38", "2023/7/20 9:05", "Thu, 20 Jul 2023 22:02:38", "20230720T220238" },
  { "+2", " +02", " -0330", " +05:30", "+05:30:15", " -15:59" })

local before_christ = combine({ "0044-03-15", "0001-01-01", "0005-02-29", "4714-11-24", "15 Mar 0044", "March 15, 0044",
  "0044/3/15", "0401-12-31", "0400-03-01" }, { " BC", " bc" })

local eras = join(before_christ, { "2024-01-05 AD", "March 15, 0044 ad", "J2451187", "j0", "J5373484", "J1721425" })

local moments_of_eras = { "0044-03-15 10:00 BC", "0044-03-15 BC 10:00", "Mar 15 10:00:00 0044 BC", "J2451187 04:05:06",
  "J2451187 04:05 PM", "0044-03-15 10:00 AD" }

local accepted = {
  date = join(days, midnights, eras),
  time = clocks,
  timetz = join(clocks, combine({ "9:05", "04:05:06" }, { "Z", " UTC", "+2", "-08:00", " +05:30:15" }),
    { "04:05 PM +01", "04:05:06-08:00:15" }),
  timestamp = join(days, moments, in_utc, eras, moments_of_eras, { "0044-03-15 10:00 UTC BC" }),
  timestamptz = join(days, moments, in_utc, zoned, eras, moments_of_eras, { "0044-03-15 10:00+02 BC",
    "J2451187 04:05:06 -0330" }),
  boolean = { "on", "off", "of", "y", "n", "tr", "fal", "yE", " ON ", "OFf" },
  interval = { "1.5 days", "1.5 weeks", "0.25 hours", "2.5 min", "1.5 mons", "1.25 years", "1.75 secs", "1-2", "-1-2",
    "1-11 3 4:05", "1 12:59:10", "3 4:05:06.7", "+3 -4:05", "1.123456789 days", "PT1.5H", "P1.5D", "P0.5W", "P1.5M",
    "PT2.25M", "P1.5Y", "1 d", "3 h", "5 m", "7 s", "2 w", "1 y", "1d", "-1.5d", "1.5 days ago", "1d 2h 3m",
    "0.1 days", "0.7 weeks", "0.123456789 hours", "PT0.123456789H", "1.0000005 secs" },
  inet = { "10/8", "10.1/16", "10.1.2/24", "10.1/8", "0/0", "10.1.2.3/8" },
  cidr = { "10/8", "10", "192.168", "10.1", "200", "200.1", "128.1", "224", "230", "240", "10.1.2", "192.168/24",
    "0/0" },
  ["integer[]"] = { "[2:3]={1,2}", "[0:1]={1,2}", "[-1:0][2:3]={{1,2},{3,4}}", "[2]={1,2}", "[1:2]={1,NULL}",
    "{1\\2,3}", "[+2:3]={1,2}", " [2:3]={1,2} " },
  ["text[]"] = { "{a\\,b}", "{\\NULL}", "{a\\ }", "{ \\ a b }", "[0:0]={x}", "{\\\\}", "{a\\\"b,\\{\\}}" },
  ["timestamp[]"] = { "{infinity,2024-01-02}", "[0:1]={9999/1/1,epoch}" },
  ["timestamptz[]"] = { "[2:3]={infinity,2024-01-02}", "[0:1]={\"2024-01-02 9:05 UTC\",NULL}" },
}

-- What the server takes, but depends on a setting, a clock or a table of zones, or would lose something.
local refused = {
  date = { "1/2/2024", "24-01-05", "02.03.2024", "today", "now", "yesterday", "2024-01-02 03:04", "2024-01-05 00:00Z",
    "99-Jan-08", "20240105 12:00 PM", "44-03-15 BC", "0000-01-01 BC", "4714-11-23 BC", "0004-02-29 BC",
    "2024-01-05 BC AD", "BC 2024-01-05", "J2451187 BC", "J2451187.5", "J99999999", "J" },
  time = { "now", "2024-01-02 03:04", "9:05Z", "9:05 PST", "13:30 PM" },
  timestamp = { "now", "tomorrow", "1/2/2024 10:00", "2024-01-02 9:05 PST", "2024-01-02 9:05+02",
    "2024-01-02 9:05 Europe/Berlin", "12/11/10 9:05", "0044-03-15 9:05+02 BC", "4714-11-23 23:59 BC" },
  timestamptz = { "now", "1/2/2024 10:00", "2024-01-02 9:05 PST", "2024-01-02 03:04 Europe/Berlin",
    "4714-11-24 01:00+02 BC", "4714-11-24 BC 9:05 CEST" },
  interval = { "-1 day 2:03", "-1 2:03:04", "5", "today" },
  boolean = { "o", "2", "" },
  inet = { "10", "192.168/24", "010.1.2.3" },
  cidr = { "10.1/8", "010", "0x0a/8" },
  ["integer[]"] = { "[2:3]={1,2,3}", "[3:2]={1}", "[2:3]{1,2}", "[1:1]={}", "[a]={1}", "[1:2]={{1},{2}}", "{\\NULL}",
    "[2147483647:2147483648]={1,2}" },
}

local function ours_of(name, texts)
  local commands = {}
  for i, text in ipairs(texts) do
    commands[i] = ("parse\t%s\t%s"):format(name, driver.hex(text))
  end
  return driver.ask(commands)
end

local function theirs_of(name, texts, setting)
  local setup = setting .. (" create temp table shape (v %s); "):format(name)
    .. "create function pg_temp.input(t text) returns shape language plpgsql as $f$ declare r shape; "
    .. "begin execute format('insert into shape values (%L) returning *', t) into r; return r; end $f$;"
  return driver.server_fields(("%s((pg_temp.input($1)).v)"):format(M[name]), texts, setup)
end

local function differences(texts, ours, theirs)
  local out = {}
  for i, text in ipairs(texts) do
    if ours[i] ~= theirs[i] then
      out[#out + 1] = ("'%s': ours %s, the server's %s"):format(text, ours[i], theirs[i])
    end
  end
  return table.concat(out, "\n")
end

describe("spellings of a value", function()
  for name, texts in pairs(accepted) do
    it(("of type %s are read as the server reads them, whatever its settings"):format(name), function()
      local ours = ours_of(name, texts)
      for _, setting in ipairs(settings) do
        assert.equal("", differences(texts, ours, theirs_of(name, texts, setting)), setting)
      end
    end)
  end

  for name, texts in pairs(refused) do
    it(("of type %s are refused where they depend on more than the text"):format(name), function()
      for i, field in ipairs(ours_of(name, texts)) do
        assert.equal("-", field:sub(1, 1), texts[i])
      end
    end)
  end

  -- The same by chance: parts of dates and times in any order and form. Accepted is what means the same everywhere.
  it("of moments put together by chance are the server's, or refused", function()
    math.randomseed(20240701)
    local pieces = { "2024", "1999", "24", "05", "7", "31", "2024-01-05", "5-Jan-2024", "2024/2/3", "20240105", "Jan",
      "February", "mon", "Thu,", "9:05", "10:00:07.25", "T0907", "t090705", "AM", "pm", "Z", "UTC", "gmt", "+02",
      "-3:30", "+1234", "infinity", "epoch", "T", "-", "/", ",", ".", "BC", "AD", "bc", "J2451187", "J0" }
    local texts = {}
    for i = 1, 3000 do
      local parts = {}
      for k = 1, math.random(4) do
        parts[k] = making.pick(pieces)
      end
      texts[i] = table.concat(parts, making.pick { " ", " ", " ", "", "-", ", " })
    end
    for _, name in ipairs { "date", "timestamp", "timestamptz", "timetz" } do
      local ours, count = ours_of(name, texts), 0
      for _, setting in ipairs(settings) do
        for i, field in ipairs(theirs_of(name, texts, setting)) do
          if ours[i]:sub(1, 1) ~= "-" then
            count = count + 1
            assert.equal(field, ours[i], ("%s '%s' with %s"):format(name, texts[i], setting))
          end
        end
      end
      assert.is_true(count > 100, name .. " " .. count)
    end
  end)
end)
