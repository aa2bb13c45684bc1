-- The tables of the desk booking example: what their records and files look like.

local calendar = require "generator.calendar"
local dirt = require "generator.dirt"
local random = require "generator.random"
local writer = require "generator.table"

local M = {}

local DAY <const> = 1440
local USERS_UNTIL <const> = 820 * DAY -- users are created in 2022, 2023 and the first three months of 2024

local first_words = {
  "North", "South", "Blue", "Green", "Silver", "Iron", "Clear", "Bright", "River", "Harbour",
  "Summit", "Cedar", "Maple", "Granite", "Copper", "Amber", "Falcon", "Heron", "Lotus", "Orchid",
}
local second_words = {
  "Works", "Labs", "Logistics", "Partners", "Media", "Insurance", "Foods", "Energy", "Robotics", "Textiles",
  "Optics", "Travel", "Legal", "Studios", "Health", "Motors", "Bank", "Data", "Paper", "Marine",
}
local booking_statuses = { "confirmed", "cancelled", "completed", "no_show", "pending" }
local checkin_statuses = { "checked_in", "not_checked_in", "checked_out", "" }
local user_statuses = { "active", "invited", "inactive", "" }

-- All spellings of a boolean; the first of each is the one of clean data.
local spellings = {
  [true] = { "true", "TRUE", "True", "t", "T", "yes", "Yes", "YES", "1" },
  [false] = { "false", "FALSE", "False", "f", "F", "no", "No", "NO", "0" },
}

local function boolean(value, below, dirty)
  local list = spellings[value]
  return dirty and below(6) == 0 and list[below(#list) + 1] or list[1]
end

-- Names differ for every number.
local function company_name(i)
  local name = first_words[i % 20 + 1] .. " " .. second_words[(i // 20 + i) % 20 + 1]
  return i < 400 and name or name .. " " .. i // 400
end

local function write_companies(options, below)
  local row = {}
  return writer.write {
    folder = options.out,
    files = {
      {
        name = "company.csv",
        columns = { "company_id", "company_name" },
        records = options.companies,
      },
    },
    kinds = options.clean and {} or dirt.company(),
    below = below,
    key = "company_id",
    make = function(i)
      row.company_id, row.company_name = ("%d"):format(100 + i), company_name(i - 1)
      return row
    end,
  }
end

-- Returns the counts and, per user, the minute of creation.
local function write_users(options, below)
  local row, created = {}, {}
  local counts = writer.write {
    folder = options.out,
    files = {
      {
        name = "users.csv",
        columns = { "rn", "created_at", "company_id", "status", "demo_user" },
        header = not options.clean and " RN,Created_At ,company_id,\" Status \",DEMO_USER" or nil,
        bom = not options.clean,
        records = options.users,
      },
    },
    kinds = options.clean and {} or dirt.users(),
    below = below,
    key = "rn",
    make = function(i, dirty)
      created[i] = below(USERS_UNTIL)
      row.rn = ("%d"):format(i)
      row.created_at = calendar.stamp(created[i], 0)
      row.created_at_minutes = created[i]
      row.company_id = ("%d"):format(101 + below(options.companies))
      row.status = user_statuses[below(#user_statuses) + 1]
      row.demo_user = boolean(below(25) == 0, below, dirty)
      return row
    end,
  }
  return counts, created
end

local booking_columns = {
  "user_id", "booking_id", "created_at", "status",
  "checkin_status", "booking_start_time", "booking_end_time", "is_demo",
}

-- Three ways a booking file can look; more files take turns.
local looks = {
  { columns = booking_columns },
  {
    columns = {
      "booking_id", "user_id", "is_demo", "booking_start_time",
      "booking_end_time", "created_at", "status", "checkin_status",
    },
    header = '"Booking_ID", USER_ID,Is_Demo,"BOOKING_START_TIME ",booking_end_time,created_at,STATUS,checkin_status',
    bom = true,
    line_end = "\r\n",
  },
  {
    columns = {
      "user_id", "booking_id", "created_at", "status", "checkin_status",
      "booking_start_time", "booking_end_time", "import_source", "is_demo",
    },
    header = "user_id,booking_id,created_at,status,checkin_status,booking_start_time,booking_end_time,"
      .. "Import Source,is_demo",
    open_end = true,
  },
}

local function booking_files(options)
  if options.clean then
    return { { name = "booking.csv", columns = booking_columns, records = options.bookings } }
  end
  local files, width = {}, #tostring(options.files)
  for i = 1, options.files do
    local file = {}
    for name, value in pairs(looks[(i - 1) % #looks + 1]) do
      file[name] = value
    end
    file.name = ("booking_%0" .. width .. "d.csv"):format(i)
    file.records = options.bookings // options.files + (i <= options.bookings % options.files and 1 or 0)
    files[i] = file
  end
  return files
end

-- The start of a booking: some time after its user was created, on the quarter of an hour.
local function start_time(user_created, below)
  local start = user_created + below(calendar.last_minute - 60 * DAY - user_created)
  return start - start % 15
end

local function thirty_days_after(created, below)
  return function(row)
    local at = created[math.tointeger(tonumber(row.user_id))]
    return calendar.stamp(at + 30 * DAY, 0) .. (below(2) == 0 and "" or ".000001")
  end
end

local function write_bookings(options, below, created)
  local row = { import_source = "export" }
  local stamp, format = calendar.stamp, string.format
  return writer.write {
    folder = options.out,
    files = booking_files(options),
    kinds = options.clean and {} or dirt.booking(),
    below = below,
    key = "booking_id",
    thirty_days_after = thirty_days_after(created, below),
    last_kind = {
      name = "unterminated_quote",
      rule = "unterminated_quote",
      edit = function(last)
        last.status = '"confirmed'
      end,
    },
    make = function(i, dirty)
      local user = below(options.users) + 1
      local start = start_time(created[user], below)
      local booked = math.max(start - below(14 * DAY), 0)
      row.user_id, row.booking_id = format("%d", user), format("%d", 1000000 + i)
      row.created_at, row.created_at_minutes = stamp(booked, dirty and 0 or below(60)), booked
      row.status = booking_statuses[below(#booking_statuses) + 1]
      row.checkin_status = checkin_statuses[below(#checkin_statuses) + 1]
      row.booking_start_time, row.booking_start_time_minutes = stamp(start, 0), start
      row.booking_end_time = below(40) == 0 and "" or stamp(start + 30 + below(36) * 15, 0)
      row.is_demo = boolean(below(30) == 0, below, dirty)
      return row
    end,
  }
end

---@param options table of generate.lua
---@return table counts per table
function M.write(options)
  local company = write_companies(options, random.new(options.seed * 3))
  local users, created = write_users(options, random.new(options.seed * 3 + 1))
  local booking = write_bookings(options, random.new(options.seed * 3 + 2), created)
  return { company = company, users = users, booking = booking }
end

return M
