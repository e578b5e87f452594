//! A contract that answers the same whatever it is told, as wasm: what it answers is what the host is tested with.

use serde_json::Value;

const EMPTY: &str = r#"{"ok":{"messages":[],"attributes":[],"events":[],"data":null}}"#;
/// Where data begins in memory, and where `allocate` does.
const DATA: u32 = 1024;
const HEAP: u32 = 512 * 1024;
const PAGES: u32 = 32;

/// Answers by entry point; what is not set answers an empty response.
pub struct Scripted {
    answers: Vec<(&'static str, u8, String)>,
    migrate_version: Option<u64>,
    /// Instructions of a function that nobody calls.
    unused: Vec<u8>,
    exports: Vec<&'static str>,
    execute: Option<Vec<u8>>,
}

impl Scripted {
    pub fn new() -> Self {
        Self {
            answers: vec![
                ("instantiate", 3, EMPTY.into()),
                ("execute", 3, EMPTY.into()),
                ("migrate", 3, EMPTY.into()),
                ("sudo", 2, EMPTY.into()),
                ("reply", 2, EMPTY.into()),
                ("query", 2, r#"{"ok":"e30="}"#.into()),
            ],
            migrate_version: None,
            unused: Vec::new(),
            exports: Vec::new(),
            execute: None,
        }
    }

    /// Makes an entry point answer a response.
    pub fn ok(self, entry: &str, response: Value) -> Self {
        self.raw(entry, &serde_json::json!({"ok": response}).to_string())
    }

    /// Makes an entry point answer an error.
    pub fn error(self, entry: &str, error: &str) -> Self {
        self.raw(entry, &serde_json::json!({"error": error}).to_string())
    }

    /// Makes an entry point answer anything.
    pub fn raw(mut self, entry: &str, answer: &str) -> Self {
        let place = self.answers.iter_mut().find(|(name, ..)| *name == entry).unwrap();
        place.2 = answer.into();
        self
    }

    /// Says which version its state has.
    pub fn migrate_version(mut self, version: u64) -> Self {
        self.migrate_version = Some(version);
        self
    }

    /// Adds instructions in a function that nobody calls.
    pub fn with_instructions(mut self, instructions: &[u8]) -> Self {
        self.unused = instructions.to_vec();
        self
    }

    /// Exports a function of that name, which does nothing.
    pub fn with_export(mut self, name: &'static str) -> Self {
        self.exports.push(name);
        self
    }

    /// Makes `execute` call itself for ever.
    pub fn recursive(mut self) -> Self {
        // The fifth function, with its own three parameters.
        self.execute = Some(vec![0, 0x20, 0, 0x20, 1, 0x20, 2, 0x10, 4, 0x0b]);
        self
    }

    /// The module.
    pub fn wasm(&self) -> Vec<u8> {
        let mut memory = Vec::new();
        let mut regions = Vec::new();
        for (_, _, answer) in &self.answers {
            let at = DATA + memory.len() as u32;
            let length = answer.len() as u32;
            for word in [at + 12, length, length] {
                memory.extend(word.to_le_bytes());
            }
            memory.extend(answer.as_bytes());
            memory.resize(memory.len().next_multiple_of(4), 0);
            regions.push(at);
        }
        assert!((DATA as usize + memory.len()) < HEAP as usize, "the answers are too long");

        let mut module = b"\0asm\x01\0\0\0".to_vec();
        // 0: () -> (); 1: (i32) -> i32; 2: (i32, i32) -> i32; 3: (i32, i32, i32) -> i32; 4: (i32) -> ()
        let types = [
            vec![0x60, 0, 0],
            vec![0x60, 1, 0x7f, 1, 0x7f],
            vec![0x60, 2, 0x7f, 0x7f, 1, 0x7f],
            vec![0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f],
            vec![0x60, 1, 0x7f, 0],
        ];
        section(&mut module, 1, list(&types));
        let mut functions = vec![vec![0], vec![1], vec![4]];
        functions.extend(self.answers.iter().map(|(_, parameters, _)| vec![*parameters]));
        functions.push(vec![0]);
        section(&mut module, 3, list(&functions));
        section(&mut module, 5, list(&[[vec![0], leb(PAGES)].concat()]));
        let global = [vec![0x7f, 1, 0x41], signed(HEAP), vec![0x0b]].concat();
        section(&mut module, 6, list(&[global]));
        let names = ["interface_version_8", "allocate", "deallocate"].into_iter();
        let names = names.chain(self.answers.iter().map(|(name, ..)| *name));
        let mut exports: Vec<Vec<u8>> =
            names.enumerate().map(|(index, name)| [text(name), vec![0], leb(index as u32)].concat()).collect();
        exports.extend(self.exports.iter().map(|name| [text(name), vec![0, 0]].concat()));
        exports.push([text("memory"), vec![2, 0]].concat());
        section(&mut module, 7, list(&exports));
        // allocate: a region at the heap's end, {start, capacity, length}, and the heap moved behind it.
        let allocate = [
            vec![0, 0x23, 0, 0x23, 0, 0x41, 12, 0x6a, 0x36, 2, 0],
            vec![0x23, 0, 0x20, 0, 0x36, 2, 4, 0x23, 0, 0x41, 0, 0x36, 2, 8],
            vec![0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x41, 16, 0x6a, 0x24, 0, 0x0b],
        ]
        .concat();
        let mut bodies = vec![vec![0, 0x0b], allocate, vec![0, 0x0b]];
        bodies.extend(regions.iter().map(|region| [vec![0, 0x41], signed(*region), vec![0x0b]].concat()));
        if let Some(execute) = &self.execute {
            bodies[4] = execute.clone();
        }
        bodies.push([vec![0], self.unused.clone(), vec![0x0b]].concat());
        let bodies: Vec<Vec<u8>> = bodies.into_iter().map(|body| [leb(body.len() as u32), body].concat()).collect();
        section(&mut module, 10, list(&bodies));
        let data = [vec![0, 0x41], signed(DATA), vec![0x0b], leb(memory.len() as u32), memory].concat();
        section(&mut module, 11, list(&[data]));
        if let Some(version) = self.migrate_version {
            section(&mut module, 0, [text("cw_migrate_version"), version.to_string().into_bytes()].concat());
        }
        module
    }
}

fn section(module: &mut Vec<u8>, id: u8, content: Vec<u8>) {
    module.push(id);
    module.extend(leb(content.len() as u32));
    module.extend(content);
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len() as u32), items.concat()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [leb(text.len() as u32), text.as_bytes().to_vec()].concat()
}

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Signed LEB128 of a number that is not negative.
fn signed(number: u32) -> Vec<u8> {
    let mut bytes = leb(number);
    if bytes.last().is_some_and(|last| last & 0x40 != 0) {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(0);
    }
    bytes
}
