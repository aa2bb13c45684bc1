-- Several formats of one column: each value is what the server's to_timestamp makes of it by the format that fits.

local r = require "pghost.rules"
local fixture = require "support.fixture"
local server = require "support.server"

describe("a list of formats", function()
  local conn

  fixture.once(function(keep)
    conn = keep(require("pghost.connection").open { dsn = server.get():database() })
  end)

  it("reads a value by whichever fits", function()
    local column = r.date { format = { "YYYY-MM-DD", "DD.MM.YYYY", "Month DD, YYYY" } }
    for format, text in pairs { ["YYYY-MM-DD"] = "2024-02-29", ["DD.MM.YYYY"] = "29.02.2024",
      ["Month DD, YYYY"] = "February 29, 2024" } do
      local expected = conn:query("SELECT pg_catalog.to_date($1, $2)::text AS day", text, format)[1].day
      assert.equal(expected, (column:try(text)), text)
    end
  end)

  it("rejects a value that fits none, and says all of them", function()
    local _, failure = r.date({ format = { "YYYY-MM-DD", "DD.MM.YYYY" } }):try("2024/02/29")
    assert.equal("not a date '2024/02/29', expected YYYY-MM-DD or DD.MM.YYYY", failure.reason)
    _, failure = r.date({ format = { "YYYY-MM-DD", "DD.MM.YYYY" } }):try("31.02.2024")
    assert.equal("not a date '31.02.2024', expected YYYY-MM-DD or DD.MM.YYYY", failure.reason)
  end)

  it("rejects a value that two of them read as different days, in whatever order they stand", function()
    for _, formats in ipairs { { "DD/MM/YYYY", "MM/DD/YYYY" }, { "MM/DD/YYYY", "DD/MM/YYYY" } } do
      local column = r.date { format = formats }
      assert.matches("^ambiguous '03/04/2024', expected ", select(2, column:try("03/04/2024")).reason)
      assert.equal("2024-04-04", (column:try("04/04/2024")))
      assert.equal("2024-04-13", (column:try("13/04/2024")))
      assert.equal("2024-04-13", (column:try("04/13/2024")))
    end
  end)

  it("is for timestamps and times, too", function()
    local column = r.timestamp { format = { "YYYY-MM-DD HH24:MI", "DD.MM.YYYY HH24:MI:SS" } }
    assert.equal("2024-03-01 17:30:00", (column:try("2024-03-01 17:30")))
    assert.equal("2024-03-01 18:05:10", (column:try("01.03.2024 18:05:10")))
    assert.equal("17:30:00", (r.time({ format = { "HH12:MI AM", "HH24:MI" } }):try("05:30 PM")))
  end)

  it("is described in words", function()
    local rules = r.table("t", { { "day", r.date { format = { "YYYY-MM-DD", "DD.MM.YYYY" } } } })
    assert.matches("date 'YYYY%-MM%-DD', 'DD%.MM%.YYYY'", rules:describe())
  end)

  it("with something else in it is refused", function()
    local function message(format)
      return select(2, pcall(function()
        return r.table("t", { { "day", r.date { format = format } } })
      end))
    end
    assert.matches("date format: at least one value expected", message {})
    assert.matches("date format: list with a nil in it", message { "YYYY", nil, "MM" })
    assert.matches("column 'day': bad format 'QQ': ", message { "YYYY-MM-DD", "QQ" })
    assert.matches("column 'day': format: a text or a list of texts expected", message { "YYYY-MM-DD", 12 })
    assert.matches("column 'day': format: a text or a list of texts expected", message { 12 })
  end)
end)
