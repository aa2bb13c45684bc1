-- The kinds of dirt: what real exports do to a record, each as a small edit of an otherwise good one.
--
-- A kind has a name, a rate (of 100,000 records), and what it does: `edit(row, tools)` changes the
-- fields, which are CSV text ready to be written, by column name; `cut(line)` changes the whole
-- line. An edit that returns false did not take. `rule` says why a record with it must be rejected
-- ("type", "required", "compare", "duplicate", or how it cannot be read); without one it is loaded.

local M = {}

-- Ways of writing null.
local nulls = { "", '""', "NULL", "null", "Null", '"NULL"', '" "', '"""NULL"""', '""""""', "  ", " NULL " }

local function quoted(value)
  return '"' .. value .. '"'
end

local function surrounded(value)
  return '"""' .. value .. '"""'
end

local function surrounded_with_blanks(value)
  return '" "" ' .. value .. ' "" "'
end

local function blanks(value)
  return "  " .. value .. " "
end

local function tabs(value)
  return "\t" .. value .. "\t "
end

-- A kind that rewrites one column.
local function rewrite(name, rate, column, change)
  return {
    name = name .. ":" .. column,
    rate = rate,
    edit = function(row)
      row[column] = change(row[column])
    end,
  }
end

-- A kind that puts a fixed text into one column.
local function put(name, rate, column, text, rule)
  return {
    name = name .. ":" .. column,
    rate = rate,
    rule = rule,
    edit = function(row)
      row[column] = text
    end,
  }
end

local function null_kind(rate, column, rule)
  return {
    name = "null:" .. column,
    rate = rate,
    rule = rule,
    edit = function(row, tools)
      row[column] = nulls[tools.below(#nulls) + 1]
    end,
  }
end

local function insert_all(list, more)
  for _, kind in ipairs(more) do
    list[#list + 1] = kind
  end
  return list
end

-- Harmless spellings of one column's value.
local function spellings(column, rate)
  return {
    rewrite("quoted", rate, column, quoted),
    rewrite("surrounded", rate, column, surrounded),
    rewrite("surrounded_with_blanks", rate, column, surrounded_with_blanks),
    rewrite("blanks", rate, column, blanks),
    rewrite("tabs", rate, column, tabs),
  }
end

local function bad_times(column, rate)
  return {
    put("word", rate, column, "ABC", "type"),
    put("quoted_word", rate, column, '"ABC"', "type"),
    put("impossible_date", rate, column, "2024-02-30 10:00:00", "type"),
    put("impossible_leap_day", rate, column, "2023-02-29 10:00:00", "type"),
    put("impossible_hour", rate, column, "2024-03-01 25:00:00", "type"),
    put("impossible_minute", rate, column, "2024-03-01 10:60:00", "type"),
    put("month_only", rate, column, "2024-03", "type"),
    put("unknown_zone", rate, column, "2024-03-01T10:00:00 QQ", "type"),
    put("day_first", rate, column, "31/02/2024 10:00", "type"),
    put("two_digit_year", rate, column, "24-03-01 09:00:00", "type"),
    put("trailing_word", rate, column, "2024-03-01 10:00:00 x", "type"),
  }
end

local function bad_bigints(column, rate)
  return {
    put("word", rate, column, "12a", "type"),
    put("decimal", rate, column, "12.0", "type"),
    put("out_of_range", rate, column, "9223372036854775808", "type"),
  }
end

local function bad_booleans(column, rate)
  return {
    put("word", rate, column, "maybe", "type"),
    put("letter", rate, column, "x", "type"),
    put("number", rate, column, "2", "type"),
  }
end

local function texts(column, rate)
  return {
    put("comma", rate, column, '"Checked, then left"'),
    put("inner_quotes", rate, column, '"Checked ""in"" late"'),
    put("half_quoted", rate, column, '"""Checked"'),
    put("backslash", rate, column, "back\\slash"),
    put("backslash_null", rate, column, "\\N"),
    put("backslash_dot", rate, column, "\\."),
    put("unicode", rate, column, "Réservé 予約 🪑"),
    put("word_null_inside", rate, column, "NULLABLE"),
    {
      name = "newline:" .. column,
      rate = rate,
      edit = function(row, tools)
        row[column] = '"first line' .. tools.line_end .. "second, line" .. tools.line_end .. tools.line_end .. 'fourth"'
      end,
    },
  }
end

local function unreadable(column, rate)
  return {
    put("stray_quote_inside", rate, column, 'Con"firmed', "stray_quote"),
    put("stray_quote_behind", rate, column, '"Confirmed"x', "stray_quote"),
    put("stray_quote_blank", rate, column, ' "Confirmed"', "stray_quote"),
    put("invalid_utf8", rate, column, "Caf\xe9", "invalid_utf8"),
    put("invalid_utf8_quoted", rate, column, '"\xc3("', "invalid_utf8"),
    {
      name = "too_few_fields",
      rate = rate,
      rule = "too_few_fields",
      cut = function(line)
        return (line:gsub(",[^,\"]*$", ""))
      end,
    },
    {
      name = "too_many_fields",
      rate = rate,
      rule = "too_many_fields",
      cut = function(line)
        return line .. ",one more"
      end,
    },
  }
end

local function duplicate(rate, column, rule)
  return {
    name = "duplicate",
    rate = rate,
    rule = rule,
    edit = function(row, tools)
      local seen = tools.seen_key()
      row[column] = seen or row[column]
      return seen ~= nil
    end,
  }
end

-- Harmless ways to write a time that is on the minute, `column_minutes` of the row.
local function time_spellings(column, rate)
  local minutes = column .. "_minutes"
  local function kind(name, write)
    return {
      name = name .. ":" .. column,
      rate = rate,
      edit = function(row, tools)
        row[column] = write(tools.calendar, row[minutes])
      end,
    }
  end
  return {
    kind("with_t", function(calendar, at)
      return calendar.stamp(at, 0, "T")
    end),
    kind("without_seconds", function(calendar, at)
      return calendar.short_stamp(at)
    end),
    kind("one_fraction_digit", function(calendar, at)
      return calendar.stamp(at, 0) .. ".5"
    end),
    kind("six_fraction_digits", function(calendar, at)
      return calendar.stamp(at, 0, "T") .. ".000125"
    end),
    kind("fraction_with_zeros", function(calendar, at)
      return calendar.stamp(at, 0) .. ".250000"
    end),
  }
end

local function starts_at(name, rate, text)
  return {
    name = name,
    rate = rate,
    edit = function(row)
      row.booking_start_time, row.booking_end_time = text, ""
    end,
  }
end

---@return table[] kinds
function M.booking()
  local list = {}
  for _, column in ipairs { "booking_id", "user_id", "booking_start_time", "status", "is_demo" } do
    insert_all(list, spellings(column, 300))
  end
  insert_all(list, time_spellings("booking_start_time", 400))
  insert_all(list, time_spellings("created_at", 400))
  for _, column in ipairs { "created_at", "status", "checkin_status", "booking_end_time" } do
    list[#list + 1] = null_kind(700, column)
  end
  insert_all(list, texts("checkin_status", 100))
  for _, column in ipairs { "user_id", "booking_id", "booking_start_time", "is_demo" } do
    list[#list + 1] = null_kind(80, column, "required")
  end
  insert_all(list, bad_times("created_at", 30))
  insert_all(list, bad_times("booking_start_time", 20))
  insert_all(list, bad_times("booking_end_time", 10))
  insert_all(list, bad_bigints("booking_id", 20))
  insert_all(list, bad_bigints("user_id", 30))
  insert_all(list, bad_booleans("is_demo", 30))
  insert_all(list, unreadable("status", 40))
  return insert_all(list, {
    duplicate(500, "booking_id", "duplicate"),
    {
      -- The record that had this key before was rejected, so this one is the first and stays.
      name = "key_of_a_reject",
      rate = 60,
      edit = function(row, tools)
        local rejected = tools.rejected_key()
        row.booking_id = rejected or row.booking_id
        return rejected ~= nil
      end,
    },
    {
      name = "ends_before_it_starts",
      rate = 200,
      rule = "compare",
      edit = function(row, tools)
        row.booking_end_time = tools.calendar.stamp(row.booking_start_time_minutes - 1, 59)
      end,
    },
    {
      name = "ends_as_it_starts",
      rate = 50,
      edit = function(row, tools)
        row.booking_end_time = tools.calendar.stamp(row.booking_start_time_minutes, 0, "T")
      end,
    },
    {
      name = "unknown_user",
      rate = 300,
      edit = function(row, tools)
        row.user_id = "9" .. ("%08d"):format(tools.below(1000))
      end,
    },
    -- The edges of the six months before 2024-06-30 00:00:00.
    starts_at("on_the_last_moment", 20, "2024-06-30 00:00:00"),
    starts_at("behind_the_last_moment", 20, "2024-06-30 00:00:00.000001"),
    starts_at("on_the_first_moment", 20, "2023-12-30 00:00:00"),
    starts_at("behind_the_first_moment", 20, "2023-12-30 00:00:00.000001"),
    {
      name = "thirty_days_after_the_user",
      rate = 300,
      edit = function(row, tools)
        row.booking_start_time = tools.thirty_days_after(row)
        row.booking_end_time = ""
      end,
    },
  })
end

---@return table[] kinds
function M.users()
  local list = {}
  for _, column in ipairs { "rn", "created_at", "company_id", "status", "demo_user" } do
    insert_all(list, spellings(column, 300))
  end
  insert_all(list, time_spellings("created_at", 500))
  for _, column in ipairs { "created_at", "company_id", "status" } do
    list[#list + 1] = null_kind(600, column)
  end
  insert_all(list, texts("status", 100))
  list[#list + 1] = null_kind(100, "rn", "required")
  list[#list + 1] = null_kind(100, "demo_user", "required")
  insert_all(list, bad_times("created_at", 40))
  insert_all(list, bad_bigints("rn", 50))
  insert_all(list, bad_bigints("company_id", 50))
  insert_all(list, bad_booleans("demo_user", 50))
  insert_all(list, unreadable("status", 60))
  return insert_all(list, {
    duplicate(400, "rn", "duplicate"),
    put("unknown_company", 500, "company_id", "4711"),
  })
end

---@return table[] kinds
function M.company()
  local list = insert_all(spellings("company_name", 2500), spellings("company_id", 2500))
  return insert_all(list, {
    null_kind(2500, "company_name", "required"),
    put("word", 2500, "company_id", "one", "type"),
    put("too_big", 2500, "company_id", "92233720368547758070", "type"),
    rewrite("comma", 2500, "company_name", function(name)
      return '"' .. name .. ', Sons & Co"'
    end),
    rewrite("inner_quotes", 2500, "company_name", function(name)
      return '"The ""' .. name .. '"" People"'
    end),
    rewrite("newline", 2500, "company_name", function(name)
      return '"' .. name .. '\nLtd"'
    end),
    duplicate(2500, "company_id", "duplicate"),
  })
end

return M
