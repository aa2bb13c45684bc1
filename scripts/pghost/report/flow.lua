-- The flow of the records as a picture: files -> raw tables -> clean tables -> answers, with counts on it.
--
-- An answer's edges are what the server resolved its SQL to (run/definitions.lua). Plain SVG.

local html = require "pghost.report.html"
local log = require "pghost.lib.log"

local M = {}

local node_width <const>, node_height <const>, gap <const>, step <const> = 190, 46, 18, 270
local most_nodes <const> = 12 -- in one layer
local letter <const> = 7.9 -- width of one, at most
local phone_width <const>, phone_node <const>, phone_step <const> = 358, 296, 70 -- one below the other

local function node(layer, name, text, link)
  return { layer = layer, name = name, text = text, link = link }
end

local function files_node(run, one)
  local name
  for _, file in ipairs(run.files) do
    name = file.table_name == one.name and one.files == 1 and file.name or name
  end
  return node(1, name or ("%s files"):format(html.count(one.files)),
    one.complete and ("%s records · %s"):format(html.count(one.records), html.bytes(one.bytes))
      or "not read to the end")
end

-- Layers of nodes by key, and edges between keys.
local function graph_of(run)
  local layers, edges, by_name = { {}, {}, {}, {} }, {}, {}
  local function put(one)
    table.insert(layers[one.layer], one)
    return one
  end
  for i = 1, math.min(#run.tables, most_nodes) do
    local one = run.tables[i]
    local left_out = one.rejected + one.waived + one.duplicates + one.filtered
    local file, raw = put(files_node(run, one)), put(node(2, one.name .. "_raw",
      log.counted(one.records - one.unreadable, "row") .. " as text"))
    local clean = put(node(3, one.name, ("%s%s"):format(log.counted(one.loaded, "row"),
      one.mode ~= "replace" and " · " .. one.mode or ""), "#table-" .. html.id(one.name)))
    edges[#edges + 1] = { file, raw, one.unreadable > 0 and "−" .. html.count(one.unreadable) or nil }
    edges[#edges + 1] = { raw, clean, left_out > one.unreadable and "−" .. html.count(left_out - one.unreadable)
      or nil }
    by_name[one.name], by_name[one.name .. "_raw"] = clean, raw
  end
  for i = 1, math.min(#run.answers, most_nodes) do
    local one = run.answers[i]
    local answer = put(node(4, one.name, one.total and log.counted(one.total, "row") or "answer",
      "#answer-" .. html.id(one.name)))
    for _, read in ipairs(one.reads) do
      local from = by_name[read.table]
      if not from then
        from = put(node(3, read.table, "published before"))
        by_name[read.table] = from
      end
      edges[#edges + 1] = { from, answer, title = table.concat(read.columns, ", ") }
    end
    by_name[one.name] = by_name[one.name] or answer
  end
  return layers, edges
end

local function place(layers)
  local tallest = 1
  for _, layer in ipairs(layers) do
    tallest = math.max(tallest, #layer)
  end
  local height = tallest * (node_height + gap) - gap
  for i, layer in ipairs(layers) do
    local own = #layer * (node_height + gap) - gap
    for k, one in ipairs(layer) do
      one.x, one.width = (i - 1) * step, node_width
      one.y = 30 + (height - own) / 2 + (k - 1) * (node_height + gap)
    end
  end
  return height + 34
end

-- One below the other: each table with its file and raw table, then what else is read, then answers.
local function place_on_phone(layers, tables)
  local y = 0
  local function put(one, below)
    one.x, one.y, one.width = 0, y, phone_node
    y = y + below
  end
  for i = 1, tables do
    for layer = 1, 3 do
      put(layers[layer][i], layer == 3 and node_height + gap or phone_step)
    end
  end
  for layer = 3, 4 do
    for i = layer == 3 and tables + 1 or 1, #layers[layer] do
      put(layers[layer][i], node_height + gap)
    end
  end
  return y - gap + 2
end

local function fit(one)
  local name, most = one.name, (one.width - 24) // letter | 0
  return (utf8.len(name) or 99) > most and html.text(name, most - 1):gsub("… .*$", "…") or html.text(name)
end

local function draw_node(one)
  local body = ('<rect x="%d" y="%g" width="%d" height="%d" rx="6"/><text class="name" x="%d" y="%g">%s</text>'
    .. '<text class="more" x="%d" y="%g">%s</text>'):format(one.x, one.y, one.width, node_height, one.x + 12,
    one.y + 19, fit(one), one.x + 12, one.y + 36, html.text(one.text))
  return one.link and html.el("a", { href = one.link }, body) or "<g>" .. body .. "</g>"
end

local function titled(edge)
  return edge.title and "<title>" .. html.text(edge.title) .. "</title>" or ""
end

-- Down from a file to its tables; beside the boxes from there to answers.
local function draw_edge_on_phone(edge)
  local from, to, label = edge[1], edge[2], edge[3]
  if from.layer == 3 then
    local out = phone_width * 2 - phone_node
    return ('<path class="edge" d="M%d %gC%d %g %d %g %d %g">%s</path>'):format(phone_node, from.y + node_height / 2,
      out - 70, from.y + node_height / 2, out - 70, to.y + node_height / 2, phone_node, to.y + node_height / 2,
      titled(edge))
  end
  local path = ('<path class="edge" d="M24 %gV%g"/>'):format(from.y + node_height, to.y)
  return label and path .. ('<text class="left-out" x="34" y="%g">%s</text>'):format(to.y - 8, label) or path
end

local function draw_edge(edge)
  local from, to, label = edge[1], edge[2], edge[3]
  local x1, y1, x2, y2 = from.x + node_width, from.y + node_height / 2, to.x, to.y + node_height / 2
  local middle = (x1 + x2) / 2
  local path = ('<path class="edge" d="M%d %gC%g %g %g %g %d %g">%s</path>'):format(x1, y1, middle, y1, middle, y2, x2,
    y2,
    titled(edge))
  return label and path .. ('<text class="left-out" x="%g" y="%g" text-anchor="middle">%s</text>'):format(middle,
    y1 - 7, label) or path
end

local titles <const> = { "Files", "Raw tables", "Clean tables", "Answers" }

local function draw(layers, edges, draw_one_edge)
  local parts = {}
  for _, edge in ipairs(edges) do
    parts[#parts + 1] = edge[1].layer < edge[2].layer and draw_one_edge(edge) or nil
  end
  for _, layer in ipairs(layers) do
    for _, one in ipairs(layer) do
      parts[#parts + 1] = draw_node(one)
    end
  end
  return table.concat(parts)
end

local label <const> = "Files, raw tables, clean tables and answers, and what each is made from"

local function svg(class, width, height, drawn)
  return html.el("svg", { class = class, viewBox = ("-1 %d %d %d"):format(class == "flow" and 0 or -1, width,
    height // 1), role = "group", ["aria-label"] = label }, drawn)
end

local function wide(layers, edges)
  local height, heads, last = place(layers), {}, 0
  for i, layer in ipairs(layers) do
    if #layer > 0 then
      heads[#heads + 1] = ('<text class="layer" x="%d" y="14">%s</text>'):format((i - 1) * step, titles[i])
      last = i
    end
  end
  return svg("flow", (math.max(last, #layers) - 1) * step + node_width + 2, height,
    table.concat(heads) .. draw(layers, edges, draw_edge))
end

local function narrow(layers, edges, tables)
  local height = place_on_phone(layers, tables)
  return svg("flow narrow", phone_width, height, draw(layers, edges, draw_edge_on_phone))
end

--- The picture, twice: for a wide page, and for a phone; "" where there is nothing to show.
---@param run pghost.report.Run
---@return string
function M.picture(run)
  if #run.tables == 0 and #run.answers == 0 then
    return ""
  end
  local layers, edges = graph_of(run)
  local hidden = math.max(#run.tables - most_nodes, 0) + math.max(#run.answers - most_nodes, 0)
  return html.el("div", { class = "scroll", tabindex = "0", role = "region", ["aria-label"] = label },
    wide(layers, edges) .. narrow(layers, edges, math.min(#run.tables, most_nodes)))
    .. (hidden > 0 and ('<p class="note">%d more are in the list, and not drawn.</p>'):format(hidden) or "")
end

return M
