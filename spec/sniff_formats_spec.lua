-- The format of dates whose month is a word, as to_date and to_timestamp of the server know it: with and without a
-- comma, with short and long names, and the same with a time.

local csv = require "pghost.sniff"
local server = require "support.server"

local cases <const> = {
  { "Mon DD YYYY", "Mar 15 2024", "Apr 28 2023" },
  { "Mon DD, YYYY", '"Mar 15, 2024"', '"Apr 28, 2023"' },
  { "Month DD YYYY", "March 15 2024", "April 28 2023" },
  { "Month DD, YYYY", '"March 15, 2024"', '"April 28, 2023"' },
  { "DD Mon YYYY", "15 Mar 2024", "28 Apr 2023" },
  { "DD Month YYYY", "15 March 2024", "28 April 2023" },
  { "DD-Mon-YY", "15-Mar-24", "28-Apr-23" },
}

local function column_of(...)
  return csv.sniff_string("n,it\n1," .. table.concat({ ... }, "\n2,") .. "\n").columns[2]
end

describe("a date with a word for its month", function()
  for _, case in ipairs(cases) do
    local format <const>, first <const>, second <const> = case[1], case[2], case[3]

    it(("such as %s has the format %s"):format(first, format), function()
      local column = column_of(first, second)
      assert.same({ "date", format }, { column.type, column.format })
      local read = server.get():psql(("SELECT to_date('%s', '%s'), to_date('%s', '%s')"):format(first:gsub('"', ""),
        format, second:gsub('"', ""), format))
      assert.equal("2024-03-15|2023-04-28", read)
    end)
  end

  it("followed by a time is a timestamp", function()
    local column = column_of("Mar 15 2024 10:30:00", "Apr 28 2023 23:59:59")
    assert.same({ "timestamp", "Mon DD YYYY HH24:MI:SS" }, { column.type, column.format })
  end)

  it("is no date where something else stands between day and year", function()
    for _, value in ipairs { "Mar 15/2024", "Mar 15;2024", "Mar 15,2024x", "Mar 2024", "Ma 15 2024" } do
      assert.equal("text", column_of('"' .. value .. '"', '"' .. value .. '"').type, value)
    end
  end)
end)
