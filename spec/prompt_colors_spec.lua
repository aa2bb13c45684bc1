-- Colors of the line that is being typed: they change no character, wherever the line wraps.

local colors = require "pghost.prompt.colors"
local pghost = require "support.pghost"

describe("colors at the prompt", function()
  local function paint(line, above)
    return colors.paint({ text = above or "" }, line)
  end

  local function without_colors(text)
    return (text:gsub("\27%[[%d;]*m", ""))
  end

  it("are those of SQL, of Lua, or of a command", function()
    assert.equal("\27[1;34mselect\27[0m \27[32m'it''s'\27[0m \27[90m-- from\27[0m", paint "select 'it''s' -- from")
    assert.equal("\27[1;34mlocal\27[0m x = \27[32m\"select\"\27[0m \27[90m-- end\27[0m",
      paint "local x = \"select\" -- end")
    assert.equal("\27[1;35m\\dt\27[0m select", paint "\\dt select")
    assert.equal("\27[1;34mselect\27[0m \27[32m'open from\27[0m", paint "select 'open from")
    assert.equal("\27[32mstill; select'\27[0m, \27[1;34mfrom\27[0m", paint("still; select', from", "select 'open\n"))
  end)

  it("change no character of any line", function()
    local pieces = { "select ", "'", '"', "$$", "$a$", "--", "/*", "*/", "[[", "]]", "é", "日", "\\", "x = ", ";", "(",
      ":a", "E'", " ", "local ", "end ", "--[[", "1" }
    math.randomseed(7)
    for _ = 1, 3000 do
      local line = {}
      for i = 1, math.random(8) do
        line[i] = pieces[math.random(#pieces)]
      end
      local text = table.concat(line)
      assert.equal(text, without_colors(paint(text)))
      assert.equal(text, without_colors(paint(text, "select 1,\n")))
      assert.equal(text, without_colors(paint(text, "x = {\n")))
    end
  end)

  describe("on a terminal", function()
    local home, socket

    local function tmux(words)
      return (pghost.shell(("env -u TMUX tmux -L %s %s"):format(socket, words)))
    end

    before_each(function()
      home = pghost.folder()
      socket = home:match("[^/.]+$")
    end)

    after_each(function()
      tmux "kill-server"
      pghost.remove(home)
    end)

    local function start(variables)
      tmux(("-f /dev/null new-session -d -s p -x 40 -y 12 "
        .. "'cd %s; env HOME=%s XDG_STATE_HOME=/dev/null LC_ALL=C.UTF-8 %s %s'"):format(home, home, variables or "",
        pghost.path))
      for _ = 1, 100 do
        if tmux("capture-pane -p -t p"):find("\n> ?\n") then
          return
        end
        os.execute("sleep 0.1")
      end
    end

    -- The screen below the greeting once it is `expected`, or what it is after two seconds.
    local function screen(expected)
      local text
      for _ = 1, 20 do
        text = tmux("capture-pane -p -t p"):gsub("^[^\n]*\n[^\n]*Ctrl%-D leaves\n", ""):gsub("^[^\n]*leaves\n", "")
        text = text:match("(>.-)\n*$") or text
        if text == expected then
          return text
        end
        os.execute("sleep 0.1")
      end
      return text
    end

    local function type_text(text)
      tmux("send-keys -t p -l -- " .. pghost.quote(text))
    end

    it("stay where the text is, at the margin, over several rows, with wide characters and edits", function()
      start()
      local line = "select 'é日', a"
      for length = 30, 46 do
        local text = line .. ("x"):rep(length - 16) .. "日from b"
        type_text(text)
        tmux "send-keys -t p C-a"
        type_text "w"
        tmux "send-keys -t p BSpace C-e"
        type_text "z"
        local all, rows, row, width = "> " .. text .. "z", {}, "", 0
        for _, code in utf8.codes(all) do
          local wide = code > 0x2e80 and 2 or 1
          if width + wide > 40 then
            rows[#rows + 1] = row
            row, width = "", 0
          end
          row, width = row .. utf8.char(code), width + wide
        end
        rows[#rows + 1] = row
        local expected = table.concat(rows, "\n"):gsub(" +\n", "\n")
        assert.equal(expected, screen(expected))
        tmux "send-keys -t p C-a C-k"
        assert.equal(">", screen(">"))
      end
    end)

    it("are there, and not where NO_COLOR is set", function()
      start()
      type_text "select 1 as from_there"
      assert.equal("> select 1 as from_there", screen("> select 1 as from_there"))
      assert.truthy(tmux("capture-pane -e -p -t p"):find("\27%[1m\27%[34mselect"))
      tmux "kill-server"
      socket = socket .. "_2" -- the first server may still be ending
      start "NO_COLOR=1"
      type_text "select 1 as from_there"
      assert.equal("> select 1 as from_there", screen("> select 1 as from_there"))
      assert.falsy(tmux("capture-pane -e -p -t p"):find("\27%[34m"))
    end)
  end)
end)
