// Values of forms that only the server knows. A row is first written without them; the server's
// answers, one round trip per column and block, are then inserted.
#include "load/odd.h"

#include <stdlib.h>

#include "load/rejects.h"
#include "pg/asker.h"

// Where a value is missing in the rows of a block.
typedef struct OddCell {
  uint32_t column;
  uint32_t row; // index of its row's mark
  size_t at;    // in the rows
  size_t text;  // in the block's odd_texts
  size_t len;
} OddCell;

static OddCell *cells_of(const Block *block, size_t *count) {
  *count = block->odd_cells.len / sizeof(OddCell);
  return (OddCell *)(void *)block->odd_cells.data;
}

static RowMark *marks_of(const Block *block, size_t *count) {
  *count = block->marks.len / sizeof(RowMark);
  return (RowMark *)(void *)block->marks.data;
}

void odd_put_row(Block *block, const Program *program, const Scratch *scratch) {
  Buffer *out = &block->out[STREAM_CLEAN];
  for (size_t i = 0; i < program_column_count(program); i++) {
    const Value *value = scratch_value(scratch, i);
    if (!value->odd || value->null) {
      type_encode(program_column_type(program, i), value, scratch_typed(scratch), out);
      continue;
    }
    OddCell cell = {.column = (uint32_t)i,
                    .row = (uint32_t)(block->marks.len / sizeof(RowMark)),
                    .at = out->len,
                    .text = block->odd_texts.len,
                    .len = value->len};
    buffer_put(&block->odd_texts, value->bytes, value->len);
    buffer_put(&block->odd_cells, (const char *)&cell, sizeof cell);
  }
}

static void note(Engine *engine, const Block *block, size_t column, const char *text, size_t len,
                 int64_t line) {
  OddColumn *odd = &engine->odd_columns[column];
  int64_t file_id = block->task->file.file_id;
  bool first =
      odd->count == 0 || file_id < odd->file_id || (file_id == odd->file_id && line < odd->line);
  odd->count++;
  if (!first)
    return;
  odd->file_id = file_id;
  odd->line = line;
  Line shown = line_start(odd->text, sizeof odd->text);
  line_put_quoted(&shown, text, len);
}

void odd_note(Engine *engine, const Block *block, const Scratch *scratch, int64_t line) {
  pthread_mutex_lock(&engine->lock);
  for (size_t i = 0; i < program_column_count(engine->options.program); i++)
    if (scratch_value(scratch, i)->odd)
      note(engine, block, i, scratch_value(scratch, i)->bytes, scratch_value(scratch, i)->len,
           line);
  pthread_mutex_unlock(&engine->lock);
}

// The questions about one column, and where the answers belong.
typedef struct Questions {
  const char **texts;
  size_t *lens;
  size_t *cells;
  Answer *answers;
  size_t count;
} Questions;

static bool make_questions(Questions *questions, size_t count) {
  *questions = (Questions){.texts = malloc(count * sizeof(char *)),
                           .lens = malloc(count * sizeof(size_t)),
                           .cells = malloc(count * sizeof(size_t)),
                           .answers = malloc(count * sizeof(Answer))};
  return questions->texts && questions->lens && questions->cells && questions->answers;
}

static void free_questions(Questions *questions) {
  free(questions->texts);
  free(questions->lens);
  free(questions->cells);
  free(questions->answers);
}

// Equal texts of a column, one after the other as they mostly are, are asked for once.
static void collect(Questions *questions, size_t *place, const Block *block, uint32_t column) {
  size_t count;
  const OddCell *cells = cells_of(block, &count);
  questions->count = 0;
  for (size_t i = 0; i < count; i++) {
    if (cells[i].column != column)
      continue;
    const char *text = block->odd_texts.data + cells[i].text;
    size_t last = questions->count - 1;
    bool same = questions->count > 0 && questions->lens[last] == cells[i].len &&
                memcmp(questions->texts[last], text, cells[i].len) == 0;
    if (!same) {
      questions->texts[questions->count] = text;
      questions->lens[questions->count++] = cells[i].len;
    }
    place[i] = questions->count - 1;
  }
}

// Answers for every cell.
static bool ask_all(Engine *engine, const Block *block, Answer *answers, Buffer *bytes,
                    Error *error) {
  size_t count;
  const OddCell *cells = cells_of(block, &count);
  Questions questions;
  bool good = make_questions(&questions, count);
  if (!good)
    error_set(error, "ENOMEM", "out of memory while loading");
  const Program *program = engine->options.program;
  for (uint32_t column = 0; good && column < program_column_count(program); column++) {
    collect(&questions, questions.cells, block, column);
    if (questions.count == 0)
      continue;
    pthread_mutex_lock(&engine->asker_lock);
    good = asker_ask(engine->options.asker, program_column_ask(program, column), questions.texts,
                     questions.lens, questions.count, questions.answers, bytes, error);
    pthread_mutex_unlock(&engine->asker_lock);
    for (size_t i = 0; good && i < count; i++)
      if (cells[i].column == column)
        answers[i] = questions.answers[questions.cells[i]];
  }
  free_questions(&questions);
  return good;
}

// If a text is not a value of the type, our own message says so; otherwise the server's does.
static void put_reason(Line *line, const Program *program, const OddCell *cell, const char *text,
                       const Answer *answer, const char *bytes) {
  const TypeKind *kind = program_column_type(program, cell->column)->kind;
  bool ours =
      kind->refusal && (strcmp(answer->code, "22P02") == 0 || strcmp(answer->code, "22007") == 0);
  if (ours)
    line_put(line, "%s ", kind->refusal);
  else
    line_put(line, "%.*s: ", (int)answer->len, bytes + answer->start);
  line_put_quoted(line, text, cell->len);
}

static void refuse(const Engine *engine, Block *block, const RowMark *mark, const OddCell *cell,
                   const Answer *answer, const char *bytes) {
  char reason[512];
  Line line = line_start(reason, sizeof reason);
  put_reason(&line, engine->options.program, cell, block->odd_texts.data + cell->text, answer,
             bytes);
  block->counts.loaded--;
  block->rows[STREAM_CLEAN]--;
  record_refuse(engine, block, mark->record,
                program_column_name(engine->options.program, cell->column), "type", reason);
}

static void put_answer(Buffer *out, const Answer *answer, const char *bytes) {
  if (answer->null) {
    buffer_put_u32(out, UINT32_MAX);
    return;
  }
  buffer_put_u32(out, (uint32_t)answer->len);
  buffer_put(out, bytes + answer->start, answer->len);
}

// The rows again, with the answers in them and without what was refused.
static void complete(Engine *engine, Block *block, const Answer *answers, const Buffer *bytes) {
  size_t cell_count, mark_count, kept = 0, k = 0, start = 0;
  const OddCell *cells = cells_of(block, &cell_count);
  RowMark *marks = marks_of(block, &mark_count);
  const Buffer *rows = &block->out[STREAM_CLEAN];
  Buffer *out = &block->completed;
  buffer_clear(out);
  for (size_t i = 0; i < mark_count; i++) {
    size_t at = start, row_start = out->len, refused = SIZE_MAX;
    const RowMark mark = marks[i];
    for (; k < cell_count && cells[k].row == i; k++) {
      if (answers[k].refused)
        refused = refused == SIZE_MAX ? k : refused;
      buffer_put(out, rows->data + at, cells[k].at - at);
      put_answer(out, &answers[k], bytes->data ? bytes->data : "");
      at = cells[k].at;
    }
    buffer_put(out, rows->data + at, mark.end - at);
    start = mark.end;
    if (refused != SIZE_MAX) {
      out->len = out->failed ? out->len : row_start;
      refuse(engine, block, &mark, &cells[refused], &answers[refused], bytes->data);
      continue;
    }
    marks[kept] = mark;
    marks[kept++].end = out->len;
  }
  block->marks.len = kept * sizeof(RowMark);
  Buffer swap = block->out[STREAM_CLEAN];
  block->out[STREAM_CLEAN] = block->completed;
  block->completed = swap;
}

static void note_all(Engine *engine, const Block *block, const Answer *answers) {
  size_t count, mark_count;
  const OddCell *cells = cells_of(block, &count);
  const RowMark *marks = marks_of(block, &mark_count);
  pthread_mutex_lock(&engine->lock);
  for (size_t i = 0; i < count; i++)
    if (!answers[i].refused)
      note(engine, block, cells[i].column, block->odd_texts.data + cells[i].text, cells[i].len,
           marks[cells[i].row].line);
  pthread_mutex_unlock(&engine->lock);
}

bool odd_settle(Engine *engine, Block *block, Error *error) {
  size_t count;
  cells_of(block, &count);
  if (count == 0)
    return true;
  if (block->odd_cells.failed || block->odd_texts.failed || block->marks.failed)
    return error_set(error, "ENOMEM", "out of memory while loading");
  Buffer bytes = {0};
  Answer *answers = malloc(count * sizeof *answers);
  bool good = answers != NULL || error_set(error, "ENOMEM", "out of memory while loading");
  good = good && ask_all(engine, block, answers, &bytes, error);
  if (good) {
    note_all(engine, block, answers);
    complete(engine, block, answers, &bytes);
    rejects_order(block);
  }
  free(answers);
  buffer_free(&bytes);
  return good;
}
