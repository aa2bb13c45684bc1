// Whether the first record of a table is names of columns: by what is in it and what is below.
#include "sniff/names.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sniff/cell.h"
#include "sniff/known_names.h"
#include "sniff/ruler.h"
#include "sniff/surprise.h"

enum { NAME_SIZE = 48, MOST_YEARS = 10, FEW_RECORDS = 8 };

typedef struct HeaderColumn {
  size_t kinds[CELL_KINDS]; // of the records that are not a header in any case
  SniffCell kind;           // of most of them; CELL_EMPTY: of several
  char name[NAME_SIZE];     // the first record's text, as much of it as fits
  size_t name_len;
  size_t again;  // how often it recurs below
  size_t length; // of all values below, where that is one
  bool many_lengths;
  size_t spaced; // values below with a blank in them
} HeaderColumn;

// Lines one after the other above the table, each with the same number of fields, of which no
// column but the first mixes words with data: a small table, rather than names and values.
typedef struct Block {
  size_t width, rows;
  bool words, data; // in the columns after the first, below the first row
  bool labels;      // a first cell is no word, or a label: "IBAN:"
} Block;

typedef struct Header {
  const SniffGuess *guess;
  HeaderColumn *columns;
  SniffStructure *structure;
  size_t sure; // records from here on are data
  Buffer scratch;
  size_t dataless; // records from the first on without data where others have some
  unsigned parted; // bit n: a blank line is above record n
  Block block;     // of lines above the table
  bool lone;       // the only line above it, without a blank line between, has one cell
  bool twice;      // the second record is the first one again
  size_t judged;   // first records of the right width that were judged
  bool counts_on;  // the first cells are "1" and, below it, "2"
} Header;

static const char *value_of(Header *header, const SniffField *field, size_t *len) {
  const char *text = sniff_unescape(&header->guess->dialect, field, &header->scratch, len);
  while (*len > 0 && *text == ' ') {
    text++;
    --*len;
  }
  while (*len > 0 && text[*len - 1] == ' ')
    --*len;
  return text;
}

static void note_field(Header *header, size_t row, HeaderColumn *column, const SniffField *field) {
  size_t len;
  const char *text = value_of(header, field, &len);
  size_t kept = len < NAME_SIZE ? len : NAME_SIZE;
  if (row == 0) {
    memcpy(column->name, text, kept);
    column->name_len = len;
    return;
  }
  column->spaced += len > 0 && memchr(text, ' ', len);
  column->again += len > 0 && len == column->name_len && memcmp(column->name, text, kept) == 0;
  if (row >= header->sure) {
    column->kinds[sniff_cell(text, len)]++;
    column->many_lengths |= column->length > 0 && column->length != len;
    column->length = len;
  }
}

typedef void Row(Header *header, size_t row, const SniffRecord *record);

static void note_row(Header *header, size_t row, const SniffRecord *record) {
  const SniffField *first = record->fields;
  if (row == 1)
    header->counts_on = first->len == 1 && *first->text == '2';
  for (size_t i = 0; i < record->count; i++)
    note_field(header, row, &header->columns[i], &record->fields[i]);
}

// Two records, and no header's title: they are not to be skipped, whatever is below.
static bool is_table_above(const SniffStructure *structure) {
  return structure->above_records > 1;
}

// A blank line separates the table from what is above, unless that may be its header or a table.
static void part_above(Header *header) {
  SniffStructure *structure = header->structure;
  header->lone = false;
  if (!structure->above_near && !is_table_above(structure))
    structure->above = SNIFF_ABOVE_NONE;
}

static void start_block(Block *block, const SniffRecord *record) {
  *block = (Block){.width = record->count, .rows = record->count > 1};
  for (size_t i = 0; i < record->count; i++) {
    SniffCell kind = sniff_cell(record->fields[i].text, record->fields[i].len);
    block->rows &= kind == CELL_WORD || kind == CELL_BOOLEAN; // names
  }
}

static void add_to_block(Block *block, const SniffRecord *record) {
  for (size_t i = 0; i < record->count; i++) {
    const SniffField *field = &record->fields[i];
    SniffCell kind = sniff_cell(field->text, field->len);
    bool text = kind == CELL_WORD || kind == CELL_TEXT;
    block->labels |= i == 0 && (!text || field->text[field->len - 1] == ':');
    block->words |= i > 0 && text;
    block->data |= i > 0 && !text;
  }
  block->rows++;
}

static bool is_small_table(const Block *block) {
  return block->rows > 2 && !block->labels && block->words != block->data;
}

static void note_block(Block *block, const SniffRecord *record) {
  bool next = block->rows > 0 && record->count == block->width && !record->unterminated;
  if (next)
    add_to_block(block, record);
  else if (!is_small_table(block))
    start_block(block, record);
}

// Takes in a record above the table.
static void note_above(Header *header, const SniffRecord *record, const char *line, size_t number) {
  SniffStructure *structure = header->structure;
  SniffAboveLine above = {0};
  header->lone = false;
  if (record->blank) {
    part_above(header);
    return;
  }
  note_block(&header->block, record);
  sniff_above(record, line, &header->guess->dialect, header->guess->columns, &above);
  header->lone = number == 1 && above.lone;
  structure->above_records += above.led_by_data;
  if (above.led_by_data && is_table_above(structure))
    above.what = SNIFF_ABOVE_DATA;
  if (is_small_table(&header->block) && !is_table_above(structure)) {
    structure->above_records = header->block.rows;
    above = (SniffAboveLine){.what = SNIFF_ABOVE_DATA, .fields = record->count};
  }
  if (above.what == SNIFF_ABOVE_NONE)
    return;
  structure->above = above.what;
  structure->above_fields = above.fields;
  structure->above_sign = above.sign;
  structure->above_near = above.near;
  structure->above_line = number;
}

// Calls `visit` for the records of the table of the right width; notes the lines above it.
static bool each_row(const SniffSample *sample, Header *header, size_t most, Row *visit) {
  SniffRecord record = {0};
  const SniffGuess *guess = header->guess;
  size_t at = 0, index = 0, lines = 0;
  SniffStructure *structure = header->structure;
  structure->above_records = 0;
  header->block = (Block){0};
  while (index < guess->first + guess->records && index < guess->first + most &&
         sniff_record_read(&guess->dialect, sample->bytes + at, sample->len - at, sample->whole,
                           &record)) {
    if (!record.comment && index < guess->first)
      note_above(header, &record, sample->bytes + at, lines + 1);
    else if (record.blank && index == guess->first)
      part_above(header);
    if (record.blank && index >= guess->first && index - guess->first < SNIFF_MAX_HEADER)
      header->parted |= 1u << (index - guess->first);
    at += record.length;
    if (!record.blank && !record.comment) {
      if (index == guess->first)
        structure->preamble = lines;
      if (index >= guess->first && record.count == guess->columns)
        visit(header, index - guess->first, &record);
      index++;
    }
    lines += record.lines;
  }
  bool failed = record.failed;
  sniff_record_free(&record);
  return !failed;
}

// The kind that at least four of five values are of.
static SniffCell main_kind(const HeaderColumn *column) {
  size_t values = 0;
  for (size_t kind = CELL_NUMBER; kind < CELL_KINDS; kind++)
    values += column->kinds[kind];
  for (int kind = CELL_NUMBER; kind <= CELL_CODE; kind++)
    if (values > 0 && column->kinds[kind] * 5 >= values * 4)
      return (SniffCell)kind;
  return CELL_EMPTY;
}

// Years one after the other are names of columns, too: name,2019,2020,2021, or every fifth.
static bool is_year_after(const HeaderColumn *before, const HeaderColumn *column) {
  if (before->name_len != 4 || column->name_len != 4)
    return false;
  char a[5] = {0}, b[5] = {0};
  memcpy(a, before->name, 4);
  memcpy(b, column->name, 4);
  int first = atoi(a), second = atoi(b);
  return first >= 1900 && second <= 2100 && second > first && second <= first + MOST_YEARS;
}

static bool is_year(const Header *header, size_t i) {
  const HeaderColumn *column = &header->columns[i];
  return (i > 0 && is_year_after(column - 1, column)) ||
         (i + 1 < header->guess->columns && is_year_after(column, column + 1));
}

// What a cell looks like as a name: "[id]" is a word, too.
static SniffCell kind_as_name(const char *text, size_t len) {
  static const char *const pairs[] = {"[]", "{}", "()", "<>"};
  for (size_t i = 0; len > 2 && i < sizeof pairs / sizeof *pairs; i++) {
    SniffCell inner = sniff_cell(text + 1, len - 2);
    if (text[0] == pairs[i][0] && text[len - 1] == pairs[i][1] && inner == CELL_WORD)
      return CELL_WORD;
  }
  return sniff_cell(text, len);
}

// "no" is a name over numbers, and not a value of another kind; so are 2019 over yes and no, and a
// day over numbers, as a table with a column a day has it.
static bool is_name_over(SniffCell expected, SniffCell kind) {
  return kind == CELL_BOOLEAN || expected == CELL_BOOLEAN ||
         (expected == CELL_NUMBER && kind == CELL_MOMENT);
}

// What a record has in columns of numbers and the like.
typedef struct Judged {
  size_t words;         // what is not data
  size_t values;        // data as below
  size_t typed;         // such columns
  size_t years;         // names that are years, over what are none
  bool corner;          // nothing in the first cell, over texts: above the names of rows
  size_t others;        // words in columns of texts
  size_t counted;       // cells that number the columns, from 0 or 1 on
  size_t same;          // cells as the first record has them
  bool label;           // "Period:", and then a value
  char word[NAME_SIZE]; // the first word, as much of it as fits
  size_t word_len;
  bool differ; // there are others
} Judged;

static void note_word(Judged *judged, const char *text, size_t len) {
  size_t kept = len < NAME_SIZE ? len : NAME_SIZE;
  if (judged->words++ == 0) {
    memcpy(judged->word, text, kept);
    judged->word_len = len;
  }
  judged->differ |= len != judged->word_len || memcmp(judged->word, text, kept) != 0;
}

// Whether the cell numbers its column as all before it: "0,1,2" or "1,2,3".
static bool is_counted(const char *text, size_t len, size_t i, size_t counted) {
  char number[24];
  if (len == 0 || len > 4 || counted < i)
    return false;
  for (size_t base = 0; base < 2; base++)
    if (snprintf(number, sizeof number, "%zu", i + base) == (int)len &&
        memcmp(number, text, len) == 0)
      return true;
  return false;
}

static void judge_cell(Header *header, size_t row, size_t i, const SniffField *field,
                       Judged *judged) {
  size_t len;
  const HeaderColumn *column = &header->columns[i];
  const char *text = value_of(header, field, &len);
  SniffCell kind = kind_as_name(text, len);
  judged->counted += is_counted(text, len, i, judged->counted);
  judged->same +=
      len == column->name_len && memcmp(text, column->name, len < NAME_SIZE ? len : NAME_SIZE) == 0;
  judged->corner |= i == 0 && kind == CELL_EMPTY && column->kind == CELL_EMPTY;
  judged->label = i == 0 ? len > 1 && text[len - 1] == ':'
                         : judged->label && !(len > 1 && text[len - 1] == ':');
  if (column->kind == CELL_EMPTY) {
    judged->others += kind == CELL_WORD || kind == CELL_BOOLEAN;
    return;
  }
  judged->typed++;
  if (row == 0 && is_year(header, i)) {
    judged->years += column->many_lengths || column->length != 4;
  } else if (kind != CELL_EMPTY && kind != CELL_NULL) {
    bool data =
        kind == column->kind || (sniff_cell_is_data(kind) && !is_name_over(column->kind, kind));
    judged->values += data;
    if (!data)
      note_word(judged, text, len);
  }
}

// A ruler of which each dash stands below a letter.
static bool is_drawn(const Header *header, const SniffRecord *record) {
  for (size_t i = 0; i < record->count; i++) {
    const SniffField *field = &record->fields[i];
    if (field->len == 0 || field->len != header->columns[i].name_len ||
        strspn(field->text, "-") < field->len)
      return false;
  }
  return record->count > 1;
}

// A sentence that its comma splits: "Sales of the north, all shops".
static bool is_prose(const Header *header, const SniffRecord *record) {
  if (header->guess->dialect.skip_blanks || record->count > 3)
    return false;
  for (size_t i = 1; i < record->count; i++)
    if (record->fields[i].len < 2 || *record->fields[i].text != ' ')
      return false;
  return record->count > 1 && record->fields[0].len > 0;
}

// Nothing, where each record below has something: above the names of rows, or beside the name of a
// group of columns.
static bool is_corner(const HeaderColumn *column, const SniffField *field) {
  size_t all = 0;
  for (size_t kind = 0; kind < CELL_KINDS; kind++)
    all += column->kinds[kind];
  return all > 0 && column->kinds[CELL_EMPTY] == 0 && sniff_cell(field->text, field->len) == 0;
}

static bool has_corner(const Header *header, const SniffRecord *record) {
  size_t corners = 0;
  for (size_t i = 0; i < record->count; i++)
    corners += is_corner(&header->columns[i], &record->fields[i]);
  bool no_record = header->structure->header_values == 0;
  return is_corner(&header->columns[0], &record->fields[0]) || (no_record && corners > 0);
}

// A word in the one column of data may stand for no value; beside single words it is a name.
static bool are_names(const Judged *judged, const SniffRecord *record) {
  return judged->words == 1 && record->count > 1 && judged->words + judged->others == record->count;
}

// Nothing but words, below what was taken for names and a record: those were lines of a title.
static bool are_late_names(const Header *header, const Judged *judged, const SniffRecord *record) {
  if (judged->values > 0 || judged->words == 0 || judged->words < judged->typed ||
      judged->words + judged->others < record->count || record->count < 2)
    return false;
  return (judged->words > 1 && judged->differ) || header->structure->prose || header->judged == 1;
}

// Counts in which columns the record has words over data, and in which data as below.
static void judge_row(Header *header, size_t row, const SniffRecord *record) {
  SniffStructure *structure = header->structure;
  Judged judged = {0};
  for (size_t i = 0; i < record->count; i++)
    judge_cell(header, row, i, &record->fields[i], &judged);
  header->twice |= row == 1 && record->count > 1 && judged.same == record->count;
  if (row > 0 && structure->header < row && structure->header > 0 && header->dataless < row) {
    if (are_late_names(header, &judged, record))
      structure->names_below = row;
    header->judged++;
    return; // a record is above it
  }
  header->judged++;
  bool dataless = row == header->dataless && judged.values == 0;
  header->dataless += dataless;
  if (row == 0) {
    if (judged.years > 2 || judged.corner) // two may be from and to
      judged.words += judged.years;
    structure->header_words = judged.words;
    structure->header_values = judged.values;
    structure->header_digit = judged.words == 1 && isdigit((unsigned char)judged.word[0]);
    structure->header = judged.words > judged.values;
    structure->label = judged.label && record->count > 1;
    structure->ruler = sniff_is_ruler(record);
    structure->prose = is_prose(header, record);
    structure->counted =
        judged.counted == record->count && judged.counted > 1 &&
        (*record->fields[0].text == '0' || judged.typed < record->count || !header->counts_on);
    structure->corner = judged.years > 0 || has_corner(header, record);
  } else if (row < SNIFF_MAX_HEADER &&
             (sniff_is_ruler(record) || (row == 1 && is_drawn(header, record)))) {
    structure->ruler = true;
  } else if (row < SNIFF_MAX_HEADER && judged.values == 0 && judged.words > 0 &&
             judged.words * 2 >= judged.typed && judged.same < record->count) {
    bool next = structure->header == row, apart = header->parted >> row & 1;
    if (next && !apart && judged.differ)
      structure->header = row + 1;
    else if ((next && (apart || structure->comments.header || judged.words > 1)) ||
             (judged.differ && judged.words > 1) || (dataless && are_names(&judged, record)))
      structure->names_below = row;
  }
}

// At least three words, as names seldom are.
static bool is_phrase(const HeaderColumn *column) {
  size_t blanks = 0;
  for (size_t i = 0; i < column->name_len && i < NAME_SIZE; i++)
    blanks += column->name[i] == ' ';
  return blanks > 1;
}

static bool is_name(const HeaderColumn *column) {
  SniffCell kind =
      kind_as_name(column->name, column->name_len < NAME_SIZE ? column->name_len : NAME_SIZE);
  return column->name_len < NAME_SIZE &&
         (kind == CELL_WORD || kind == CELL_TEXT || kind == CELL_BOOLEAN); // "n", "on"
}

static bool all_different(const Header *header) {
  size_t count = header->guess->columns;
  for (size_t i = 0; i < count; i++) {
    const HeaderColumn *a = &header->columns[i];
    for (size_t j = 0; j < i && count <= 1000; j++) {
      const HeaderColumn *b = &header->columns[j];
      size_t kept = a->name_len < NAME_SIZE ? a->name_len : NAME_SIZE;
      if (a->name_len == b->name_len && memcmp(a->name, b->name, kept) == 0)
        return false;
    }
  }
  return true;
}

// Names of several lines or with quotes are rare.
static bool is_odd_name(const HeaderColumn *column) {
  size_t kept = column->name_len < NAME_SIZE ? column->name_len : NAME_SIZE;
  return memchr(column->name, '\n', kept) || memchr(column->name, '"', kept);
}

// "user_id": the way columns are named, but rarely values.
static bool all_identifiers(const Header *header) {
  for (size_t i = 0; i < header->guess->columns; i++) {
    const HeaderColumn *column = &header->columns[i];
    for (size_t j = 0; j < column->name_len && j < NAME_SIZE; j++)
      if (!islower((unsigned char)column->name[j]) && column->name[j] != '_' &&
          !(j > 0 && isdigit((unsigned char)column->name[j])))
        return false;
  }
  return header->structure->header_distinct;
}

// "street" over "1 Koch Street": an identifier over values of several words.
static bool is_word_over_words(const Header *header) {
  const HeaderColumn *column = header->columns;
  size_t below = header->guess->records - 1;
  return header->guess->columns == 1 && below > 2 && column->spaced == below &&
         !memchr(column->name, ' ', column->name_len < NAME_SIZE ? column->name_len : NAME_SIZE) &&
         all_identifiers(header);
}

// Whether it is worth weighing how much it differs from the others. A table of texts alone: names
// are different, come once, are there, and are often known ones.
static bool judge_texts(Header *header) {
  SniffStructure *structure = header->structure;
  size_t names = 0, odd = 0, lengths = 0, columns = header->guess->columns;
  for (size_t i = 0; i < columns; i++) {
    const HeaderColumn *column = &header->columns[i];
    names += is_name(column);
    odd += is_odd_name(column);
    lengths += header->guess->records > FEW_RECORDS && !column->many_lengths &&
               column->length > 0 && column->length != column->name_len;
  }
  double chance = 0.5;
  chance += names == columns ? 0.12 : -0.3;
  chance += structure->header_known ? 0.3 : 0;
  chance += lengths > 0 ? 0.2 : 0;
  chance -= structure->header_again > 0 ? 0.4 : 0;
  chance -= structure->header_distinct ? 0 : 0.3;
  structure->header = chance > 0.5;
  double sure = chance > 0.5 ? chance : 1 - chance;
  bool doubtful = header->guess->records == 2 || odd > 0; // one record below tells nothing
  if (doubtful && !structure->header_known && !structure->header_again && sure > 0.65)
    sure = 0.65;
  structure->header_confidence = sure > 0.97 ? 0.97 : sure;
  bool names_all = structure->header == 1 && names == columns && odd == 0;
  if (names_all && header->guess->records == 1 && columns > 1 && all_identifiers(header))
    structure->header_confidence = 0.75; // nothing but names
  return names_all && header->guess->records >= 4;
}

// A first record of texts that is less like the others than any of them is: to be sure of, from a
// few bits on.
static bool weigh_surprise(const SniffSample *sample, Header *header) {
  SniffStructure *structure = header->structure;
  double bits = 0;
  if (!sniff_surprise(sample, header->guess, &bits))
    return false;
  structure->header_unlike = bits >= 3;
  if (is_word_over_words(header)) {
    structure->header_unlike = true;
    structure->header_confidence = fmax(structure->header_confidence, 0.8);
  }
  if (structure->header_unlike)
    structure->header_confidence = fmax(structure->header_confidence, fmin(0.95, 1 - exp2(-bits)));
  return true;
}

// A first record that is not names, such as "//name", but is unlike the others, too, may be a
// damaged header.
static bool doubt_no_header(const SniffSample *sample, Header *header) {
  SniffStructure *structure = header->structure;
  double bits = 0;
  if (structure->header > 0 || structure->header_again > 0 || header->guess->records < 3)
    return true;
  if (!sniff_surprise(sample, header->guess, &bits))
    return false;
  if (bits > 0.5)
    structure->header_confidence = fmin(structure->header_confidence, 0.6);
  return true;
}

static void judge_header(const SniffSample *sample, Header *header, bool *good) {
  SniffStructure *structure = header->structure;
  size_t with_words = 0;
  for (size_t i = 0; i < header->guess->columns; i++) {
    HeaderColumn *column = &header->columns[i];
    column->kind = main_kind(column);
    structure->header_again += column->again > 0;
    SniffKnown known =
        is_name(column) ? sniff_known_name(column->name, column->name_len) : SNIFF_KNOWN_NOT;
    structure->header_known |= known == SNIFF_KNOWN_NAME;
    with_words += known == SNIFF_KNOWN_WORD;
  }
  structure->header_known |= with_words > 1;
  structure->header_distinct = all_different(header);
  *good = *good && each_row(sample, header, SNIFF_MAX_HEADER, judge_row);
  size_t words = structure->header_words, values = structure->header_values;
  if (words + values == 0) {
    bool worth = judge_texts(header);
    *good = *good && (worth ? weigh_surprise : doubt_no_header)(sample, header);
    if (header->twice && structure->header == 0) // texts
      structure->header_confidence = fmin(structure->header_confidence, 0.5);
  } else {
    double ratio = (double)(words > values ? words : values) / (double)(words + values);
    double many = words + values > 3 ? 0.99 : 0.9 + 0.03 * (double)(words + values - 1);
    structure->header_confidence = structure->header_digit ? 0.6 : ratio * many;
  }
  structure->prose &= structure->header != 1 || (words + values == 0 && is_phrase(header->columns));
  structure->counted &= structure->header == 0;
  if (structure->ruler || structure->label || structure->prose || structure->counted ||
      structure->names_below > 0 || (structure->corner && !structure->header))
    structure->header_confidence = fmin(structure->header_confidence, 0.5);
  if (structure->header > 0 && words > values && structure->header_confidence > 0.75 &&
      !is_table_above(structure))
    structure->above = SNIFF_ABOVE_NONE; // these are the names, so what is above is none
  if (!structure->above && header->lone && !structure->header) {
    structure->above = SNIFF_ABOVE_COLUMN;
    structure->above_fields = structure->above_line = 1;
  }
  if (structure->above && structure->header_confidence > 0.5)
    structure->header_confidence = 0.5;
}

bool sniff_find_names(const SniffSample *sample, const SniffGuess *guess,
                      SniffStructure *structure) {
  Header header = {.guess = guess, .structure = structure};
  size_t half = guess->records / 2;
  header.sure = half < 1 ? 1 : half < SNIFF_MAX_HEADER ? half : SNIFF_MAX_HEADER;
  header.columns = calloc(guess->columns + 1, sizeof *header.columns);
  if (!header.columns)
    return false;
  bool good = each_row(sample, &header, SIZE_MAX - guess->first, note_row);
  judge_header(sample, &header, &good);
  if (structure->header >= guess->records && guess->records > 1)
    structure->header = guess->records - 1;
  buffer_free(&header.scratch);
  free(header.columns);
  return good;
}
