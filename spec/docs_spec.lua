-- pghost docs: the pages in the terminal; and the documentation itself: links that lead somewhere.

local pghost = require "support.pghost"

describe("pghost docs", function()
  it("lists the pages by name with their titles", function()
    local out, err, code = pghost.run { "docs" }
    assert.same({ "", 0 }, { err, code })
    local count = select(2, out:gsub("\n", ""))
    local files = pghost.shell(("ls %s/docs/*.md %s/docs/*/*.md | grep -v README | wc -l"):format(pghost.root,
      pghost.root))
    assert.equal(tonumber(files), count)
    assert.matches("\nreference/rules +Rules\n", out)
  end)

  it("writes a page as it is where that is no terminal, by a name in any case", function()
    local expected = pghost.read(pghost.root .. "/docs/TUTORIAL.md")
    for _, name in ipairs { "tutorial", "TUTORIAL.md", "docs/TUTORIAL.md" } do
      assert.equal(expected, (pghost.run { "docs", name }))
    end
    assert.equal(pghost.read(pghost.root .. "/docs/reference/rules.md"), (pghost.run { "docs", "rules" }))
  end)

  it("shows it with colors through the pager on a terminal", function()
    local out = pghost.shell(("PAGER='sed s/^/PAGED:/' TERM=xterm script -qec '%s docs tutorial' /dev/null"):format(
      pghost.path))
    assert.matches("^PAGED:\27%[1m[^\n]+\27%[0m", out)
    out = pghost.shell(("NO_COLOR=1 PAGER=cat TERM=xterm script -qec '%s docs tutorial' /dev/null"):format(pghost.path))
    assert.equal(pghost.read(pghost.root .. "/docs/TUTORIAL.md"), (out:gsub("\r\n", "\n")))
  end)

  it("finds a text in all pages", function()
    local out, _, code = pghost.run { "docs", "--search", "private SERVER" }
    assert.equal(0, code)
    assert.matches("\nconnecting:%d+: [^\n]*[Pp]rivate server", "\n" .. out)
    assert.same({ "", "", 1 }, { pghost.run { "docs", "-s", "no such text " .. "anywhere" } })
  end)

  it("tells what may be meant", function()
    local _, err, code = pghost.run { "docs", "tutorail" }
    assert.same({ "pghost: no page 'tutorail': did you mean 'tutorial'? (see pghost docs)\n", 2 }, { err, code })
  end)
end)

describe("the documentation", function()
  -- As GitHub makes them of headings.
  local function anchors(text)
    local set = {}
    for heading in ("\n" .. text):gmatch("\n#+ ([^\n]*)") do
      set[heading:lower():gsub("[^%w %-_]", ""):gsub(" ", "-")] = true
    end
    return set
  end

  it("has links that lead somewhere", function()
    local wrong = {}
    for path in pghost.shell(("cd %s && ls *.md docs/*.md docs/*/*.md"):format(pghost.root)):gmatch("%S+") do
      local text = pghost.read(pghost.root .. "/" .. path)
      for target in text:gsub("\n```.-\n```", ""):gmatch("%]%(([^)%s]+)%)") do
        local file, anchor = target:match("^([^#]*)#?(.*)$")
        local place = file == "" and path or (path:match("^.*/") or "") .. file
        local good, found = pcall(pghost.read, pghost.root .. "/" .. place)
        if not target:find("^https?:") and (not good and not file:find("/$")
            or good and anchor ~= "" and not anchors(found)[anchor]) then
          wrong[#wrong + 1] = path .. ": " .. target
        end
      end
    end
    assert.same({}, wrong)
  end)
end)
