-- Man pages and completions: written from the parsers, shown and used by man, bash, zsh and fish themselves.

local commands = require "pghost.manual.commands"
local host = require "pghost.native.host"
local fixture = require "support.fixture"
local lists = require "pghost.lib.lists"
local pghost = require "support.pghost"

local function man(folder, page)
  return (pghost.shell(("MANROFFOPT=-ww MANWIDTH=80 man -P cat -l %s/man/man1/%s.1"):format(folder, page)))
end

describe("the manual", function()
  local folder

  fixture.once(function(keep)
    folder = keep(pghost.folder())
    local _, err, code = pghost.shell(("%s %s/cmake/manual.lua %s"):format(pghost.path, pghost.root, folder))
    assert.same({ "", 0 }, { err, code })
  end)

  it("is the same whenever it is written", function()
    local _, err, code = pghost.shell(("%s %s/cmake/manual.lua %s/again && cd %s && "
      .. "for f in man bash-completion zsh fish; do diff -r $f again/$f; done")
      :format(pghost.path, pghost.root, folder, folder))
    assert.same({ "", 0 }, { err, code })
  end)

  it("has pages that roff takes without a warning", function()
    local out = pghost.shell(("groff -man -ww -Tutf8 %s/man/man1/*.1 2>&1 >/dev/null"):format(folder))
    assert.equal("", out)
  end)

  it("says what exit codes mean, what pghost looks at, and which commands and options there are", function()
    local out = man(folder, "pghost")
    assert.matches("\nEXIT STATUS\n +0 +Done%.\n", out)
    assert.matches("\n +4 +A +check +of +severity +error +failed", out) -- a line that is adjusted has wider gaps
    assert.matches("\n +NO_COLOR\n", out)
    for _, text in ipairs(host.option_texts) do
      assert.matches("\n +[^\n]*" .. (text.long or text.short):gsub("%-", "%%-"), out)
    end
    for _, command in ipairs(commands.list()) do
      assert.matches(("\n       pghost-%s(1)\n"):format(command.name), out, 1, true)
    end
  end)

  for _, command in ipairs(commands.list()) do
    it("has a page for " .. command.name .. " with all of its options", function()
      local out = man(folder, "pghost-" .. command.name)
      assert.matches("\nNAME\n +pghost%-" .. command.name .. " +%- +%u", out)
      assert.matches("\nEXAMPLE\n", out)
      for _, option in ipairs(command.parser._options) do
        for _, alias in ipairs(option._aliases) do
          assert.matches("[ ,]" .. alias:gsub("%-", "%%-") .. "[ ,\n]", out)
        end
      end
    end)
  end

  -- What each shell completes `pghost WORDS...` to, the last of which is begun.
  local shells = {}

  function shells.bash(line)
    local words = {}
    for word in (line .. "|"):gmatch("%S+") do
      words[#words + 1] = pghost.quote((word:gsub("|$", "")))
    end
    return (pghost.shell(("bash -c %s"):format(pghost.quote(([[. %s/bash-completion/completions/pghost
      COMP_WORDS=(%s) COMP_CWORD=%d; _pghost; printf '%%s\n' "${COMPREPLY[@]}"]]):format(folder,
      table.concat(words, " "), #words - 1)))))
  end

  function shells.fish(line)
    local out, err = pghost.shell(("fish --no-config -c %s"):format(pghost.quote(
      ("source %s/fish/vendor_completions.d/pghost.fish; complete -C '%s'"):format(folder, line))))
    assert.equal("", err)
    return (out:gsub("\t[^\n]*", ""))
  end

  -- Types the line and a tab on a terminal of its own, and has the list of matches shown.
  function shells.zsh(line)
    local script = ([==[
      zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z 'PS1="> "; fpath=(%s/zsh/vendor-completions $fpath); autoload -U compinit; compinit -u -d %s/dump'
      zpty -w z 'zstyle ":completion:*" list-prompt ""; LISTMAX=0; setopt no_list_beep; bindkey "^X" list-choices'
      zpty -w z 'echo begin''ning'
      out=; until [[ $out = *beginning* ]]; do zpty -r z more; out+=$more; done
      zpty -w -n z %s$'\x18'
      out=; silent=0; for try in {1..100}; do
        sleep 0.1; (( silent++ ))
        while zpty -r -t z more; do out+=$more; silent=0; done
        [[ $silent -ge 6 && $out = *$'\n'*$'\n'* ]] && break
      done
      print -r -- $out]==]):format(folder, folder, pghost.quote(line))
    local out = pghost.shell(("cd %s && TERM=dumb COLUMNS=200 timeout 20 zsh -f -c %s"):format(folder,
      pghost.quote(script)))
    return (out:gsub("\27%[[%d;?]*%a", " "))
  end

  for name in pairs(shells) do
    it("completes commands, their options and choices in " .. name, function()
      local seen = lists.words(shells[name] "pghost re")
      assert.same({ true, true, nil }, { seen.replay, seen.rejects, seen.load })
      seen = lists.words(shells[name] "pghost load --into t --t")
      assert.same({ true, true, true }, { seen["--truncate"], seen["--tolerant"], seen["--too-few"] })
      seen = lists.words(shells[name] "pghost load --too-few ")
      assert.same({ true, true }, { seen.pad, seen.stop })
      seen = lists.words(shells[name] "pghost server st")
      assert.same({ true, true, true }, { seen.start, seen.stop, seen.status })
      seen = lists.words(shells[name] "pghost --log-format ")
      assert.same({ true, true }, { seen.text, seen.json })
    end)
  end
end)
