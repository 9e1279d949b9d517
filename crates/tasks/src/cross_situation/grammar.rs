//! The clauses of a grammar, each found by its number without writing the others down.

/// The words that every grammar has.
pub(super) const FUNCTION_WORDS: [&str; 8] =
    ["a", "the", "this", "that", "is", "on", "there", "and"];

const A: usize = 0;
const THE: usize = 1;
const THIS: usize = 2;
const THAT: usize = 3;
const IS: usize = 4;
const ON: usize = 5;
const THERE: usize = 6;
/// The word between the two clauses of a sentence.
pub(super) const AND: usize = 7;

/// Objects, colours and positions, and with them all clauses.
pub(super) struct Grammar {
    objects: Vec<Word>,
    colours: Vec<Word>,
    positions: Vec<Word>,
    /// The label of "this"; "that" and "is" follow it.
    this: usize,
    vocabulary: Vec<String>,
    labels: Vec<String>,
}

/// A word with a meaning.
#[derive(Clone, Copy)]
struct Word {
    /// Its place in the vocabulary.
    word: usize,
    /// Its label.
    label: usize,
}

/// One clause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause {
    /// Its words, as places in the vocabulary.
    pub(super) words: Vec<usize>,
    /// The labels of what it describes: object, action, and colour if it has one.
    pub(super) labels: Vec<usize>,
}

impl Grammar {
    /// The grammar of these objects, colours and positions; words in one list share a label.
    pub(super) fn new(
        objects: Vec<Vec<String>>,
        colours: Vec<Vec<String>>,
        positions: Vec<Vec<String>>,
    ) -> Self {
        let mut vocabulary: Vec<String> = FUNCTION_WORDS.map(String::from).to_vec();
        let mut labels = Vec::new();
        let mut add = |kind: &str, entries: Vec<Vec<String>>| -> Vec<Word> {
            let mut words = Vec::new();
            for synonyms in entries {
                for text in &synonyms {
                    // A word such as "orange" may be of two kinds: one word, two labels.
                    let known = vocabulary.iter().position(|known| known == text);
                    let word = known.unwrap_or_else(|| {
                        vocabulary.push(text.clone());
                        vocabulary.len() - 1
                    });
                    words.push(Word {
                        word,
                        label: labels.len(),
                    });
                }
                labels.push(format!("{kind}.{}", synonyms[0]));
            }
            words
        };
        let objects = add("object", objects);
        let colours = add("colour", colours);
        let positions = add("action", positions);
        let this = labels.len();
        labels.extend(["this", "that", "is"].map(|word| format!("action.{word}")));
        Self {
            objects,
            colours,
            positions,
            this,
            vocabulary,
            labels,
        }
    }

    /// All words; a one-hot word has a 1 at its place here.
    pub(super) fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    /// What a clause's labels mean.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The words of the longest clause: "there is D C O on the P".
    pub(super) fn longest(&self) -> usize {
        8
    }

    /// How many clauses there are.
    pub(super) fn clauses(&self) -> u64 {
        self.templates().iter().sum()
    }

    /// How many clauses each of the six templates gives.
    fn templates(&self) -> [u64; 6] {
        let [objects, colours, positions] =
            [&self.objects, &self.colours, &self.positions].map(|words| words.len() as u64);
        let described = 2 * (colours + 1) * objects;
        [
            2 * described,
            2 * objects * colours,
            2 * objects * positions * colours,
            described * positions,
            described * positions,
            2 * described * positions,
        ]
    }

    /// The clause of a number below [`clauses`](Self::clauses).
    pub(super) fn clause(&self, index: u64) -> Clause {
        let mut rest = index;
        let mut template = 0;
        for size in self.templates() {
            if rest < size {
                break;
            }
            rest -= size;
            template += 1;
        }
        let mut draw = Choices { rest };
        let mut clause = Clause::default();
        match template {
            0 => {
                let that = draw.choose(2);
                clause.words.extend([[THIS, THAT][that], IS]);
                clause.labels.push(self.this + that);
                self.describe(&mut clause, &mut draw);
            }
            1 => {
                self.determined(&mut clause, &mut draw);
                clause.labels.push(self.this + 2);
                clause.words.push(IS);
                clause.say(self.colours[draw.choose(self.colours.len())]);
            }
            2 => {
                self.determined(&mut clause, &mut draw);
                self.place(&mut clause, &mut draw);
                clause.words.push(IS);
                clause.say(self.colours[draw.choose(self.colours.len())]);
            }
            3 => {
                self.describe(&mut clause, &mut draw);
                clause.words.push(IS);
                self.place(&mut clause, &mut draw);
            }
            4 => {
                clause.words.extend([THERE, IS]);
                self.describe(&mut clause, &mut draw);
                self.place(&mut clause, &mut draw);
            }
            _ => {
                self.place(&mut clause, &mut draw);
                if draw.choose(2) == 1 {
                    clause.words.push(THERE);
                }
                clause.words.push(IS);
                self.describe(&mut clause, &mut draw);
            }
        }
        debug_assert!(
            draw.rest == 0,
            "a clause's number must be below the number of clauses"
        );
        clause
    }

    /// D O.
    fn determined(&self, clause: &mut Clause, draw: &mut Choices) {
        clause.words.push([A, THE][draw.choose(2)]);
        clause.say(self.objects[draw.choose(self.objects.len())]);
    }

    /// D \[C\] O.
    fn describe(&self, clause: &mut Clause, draw: &mut Choices) {
        clause.words.push([A, THE][draw.choose(2)]);
        let colour = draw.choose(self.colours.len() + 1);
        if let Some(colour) = colour.checked_sub(1) {
            clause.say(self.colours[colour]);
        }
        clause.say(self.objects[draw.choose(self.objects.len())]);
    }

    /// on the P.
    fn place(&self, clause: &mut Clause, draw: &mut Choices) {
        clause.words.extend([ON, THE]);
        clause.say(self.positions[draw.choose(self.positions.len())]);
    }
}

impl Clause {
    /// Adds a word and its label.
    fn say(&mut self, word: Word) {
        self.words.push(word.word);
        self.labels.push(word.label);
    }
}

/// A number read as digits of mixed radix: one digit per choice.
struct Choices {
    rest: u64,
}

impl Choices {
    /// The next digit, below `count`.
    fn choose(&mut self, count: usize) -> usize {
        let digit = self.rest % count as u64;
        self.rest /= count as u64;
        digit as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn entries(words: &[&str]) -> Vec<Vec<String>> {
        words
            .iter()
            .map(|entry| entry.split('/').map(String::from).collect())
            .collect()
    }

    fn small() -> Grammar {
        let [objects, colours, positions] = [
            &["glass", "orange"],
            &["blue", "orange"],
            &["left", "right"],
        ]
        .map(|words| entries(words));
        Grammar::new(objects, colours, positions)
    }

    fn medium() -> Grammar {
        Grammar::new(
            entries(&["glass", "orange", "cup", "bowl"]),
            entries(&["blue", "orange", "green", "red"]),
            entries(&["left", "right", "center/middle"]),
        )
    }

    /// All clauses as text with the names of their labels, sorted.
    fn written(grammar: &Grammar) -> HashMap<String, Vec<String>> {
        let clauses = (0..grammar.clauses()).map(|index| {
            let clause = grammar.clause(index);
            let words: Vec<&str> = clause
                .words
                .iter()
                .map(|&word| grammar.vocabulary()[word].as_str())
                .collect();
            let mut labels: Vec<String> = clause
                .labels
                .iter()
                .map(|&label| grammar.labels()[label].clone())
                .collect();
            labels.sort();
            (words.join(" "), labels)
        });
        clauses.collect()
    }

    #[test]
    fn there_are_as_many_different_clauses_as_published() {
        for (grammar, clauses, words, labels) in [(small(), 144, 13, 9), (medium(), 880, 19, 14)] {
            assert_eq!(grammar.clauses(), clauses);
            let written = written(&grammar);
            assert_eq!(written.len() as u64, clauses);
            let longest = written.keys().map(|text| text.split(' ').count()).max();
            assert_eq!(longest, Some(grammar.longest()));
            assert_eq!(
                (grammar.vocabulary().len(), grammar.labels().len()),
                (words, labels)
            );
        }
    }

    #[test]
    fn each_template_says_what_it_should() {
        let written = written(&medium());
        let rows: [(&str, &[&str]); 9] = [
            ("this is a cup", &["action.this", "object.cup"]),
            (
                "that is the red cup",
                &["action.that", "colour.red", "object.cup"],
            ),
            (
                "the orange is orange",
                &["action.is", "colour.orange", "object.orange"],
            ),
            (
                "a bowl on the left is blue",
                &["action.left", "colour.blue", "object.bowl"],
            ),
            (
                "the glass is on the middle",
                &["action.center", "object.glass"],
            ),
            (
                "a green glass is on the center",
                &["action.center", "colour.green", "object.glass"],
            ),
            (
                "there is a orange orange on the right",
                &["action.right", "colour.orange", "object.orange"],
            ),
            (
                "on the left is the orange",
                &["action.left", "object.orange"],
            ),
            (
                "on the left there is a red cup",
                &["action.left", "colour.red", "object.cup"],
            ),
        ];
        for (text, labels) in rows {
            assert_eq!(written[text], labels, "{text}");
        }
    }

    #[test]
    fn every_word_is_used() {
        let grammar = medium();
        let used: HashSet<usize> = (0..grammar.clauses())
            .flat_map(|index| grammar.clause(index).words)
            .collect();
        assert_eq!(used.len(), grammar.vocabulary().len() - 1, "all but `and`");
    }
}
