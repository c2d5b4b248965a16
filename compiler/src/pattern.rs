//! Patterns of axes: `"b t (h d) -> b h t d"` of `rearrange`, `reduce` and `repeat`, `"bhid,bhjd->bhij"` of `einsum`.
//!
//! The notation of the first is einops' (Rogozhnikov, ICLR 2022): names of axes on both sides, parentheses around axes that are one
//! dimension of the tensor there, `1` for a dimension of that size. The second is Einstein's summation as numpy writes it, every
//! letter an axis.
//!
//! Promise: any text gives a pattern or a message; each name stands at most once on a side.

/// A side of a pattern: by dimension, the axes that are merged in it, the outermost first. None is a dimension of size 1.
pub type Side = Vec<Vec<String>>;

/// A pattern of `rearrange`, `reduce` or `repeat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The dimensions of what is given.
    pub left: Side,
    /// The dimensions of the result.
    pub right: Side,
}

/// An equation of `einsum`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equation {
    /// The axes of each operand.
    pub operands: Vec<Vec<char>>,
    /// The axes of the result.
    pub result: Vec<char>,
}

/// More axes than these nobody means, and libtorch does not take.
const MOST_AXES: usize = 24;

impl Pattern {
    /// Reads a pattern; a message says what is wrong.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let (left, right) = text.split_once("->").ok_or("it has no `->`")?;
        Ok(Pattern { left: side(left)?, right: side(right)? })
    }

    /// The names of a side in order.
    pub fn names(side: &Side) -> impl Iterator<Item = &str> {
        side.iter().flatten().map(String::as_str)
    }
}

fn side(text: &str) -> Result<Side, String> {
    let mut dims: Side = Vec::new();
    let mut group: Option<Vec<String>> = None;
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    for word in spaced.split_whitespace() {
        match (word, &mut group) {
            ("(", None) => group = Some(Vec::new()),
            ("(", Some(_)) => return Err("parentheses do not nest".into()),
            (")", None) => return Err("a `)` closes nothing".into()),
            (")", Some(_)) => dims.extend(group.take()),
            ("1", None) => dims.push(Vec::new()),
            ("1", Some(_)) => {}
            (name, place) => {
                let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
                if !starts || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return Err(format!("`{}` is no name of an axis", name.chars().take(20).collect::<String>()));
                }
                match place {
                    None => dims.push(vec![name.to_string()]),
                    Some(own) => own.push(name.to_string()),
                }
            }
        }
    }
    if group.is_some() {
        return Err("a `(` is not closed".into());
    }
    let mut names: Vec<&str> = Pattern::names(&dims).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`{}` stands twice on one side", pair[0]));
    }
    if names.len() > MOST_AXES || dims.len() > MOST_AXES {
        return Err(format!("it has more than {MOST_AXES} axes"));
    }
    Ok(dims)
}

impl Equation {
    /// Reads an equation; a message says what is wrong.
    pub fn parse(text: &str) -> Result<Equation, String> {
        let (left, right) = text.split_once("->").ok_or("it has no `->`")?;
        let letters = |text: &str| -> Result<Vec<char>, String> {
            let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            if let Some(odd) = letters.iter().find(|c| !c.is_ascii_alphabetic()) {
                return Err(format!("`{odd}` is no letter"));
            }
            if (1..letters.len()).any(|place| letters[..place].contains(&letters[place])) {
                return Err("a letter stands twice in one part; the diagonal is not supported".into());
            }
            if letters.len() > MOST_AXES {
                return Err(format!("it has more than {MOST_AXES} axes"));
            }
            Ok(letters)
        };
        let operands = left.split(',').map(letters).collect::<Result<Vec<_>, _>>()?;
        let result = letters(right)?;
        if let Some(new) = result.iter().find(|letter| !operands.iter().any(|own| own.contains(letter))) {
            return Err(format!("`{new}` of the result is in no operand"));
        }
        Ok(Equation { operands, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_ones() {
        let pattern = Pattern::parse("b t (h d) -> b h 1 t d").expect("well formed");
        assert_eq!(pattern.left, [vec!["b"], vec!["t"], vec!["h", "d"]]);
        assert_eq!(pattern.right, [vec!["b"], vec!["h"], vec![], vec!["t"], vec!["d"]]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |text: &str| Pattern::parse(text).expect_err("malformed");
        assert_eq!(message("a b"), "it has no `->`");
        assert_eq!(message("a (b -> a b"), "a `(` is not closed");
        assert_eq!(message("a a -> a"), "`a` stands twice on one side");
        assert_eq!(message("a 2b -> a"), "`2b` is no name of an axis");
        assert_eq!(Equation::parse("ij,jk->iq").expect_err("malformed"), "`q` of the result is in no operand");
        assert_eq!(
            Equation::parse("ii->i").expect_err("malformed"),
            "a letter stands twice in one part; the diagonal is not supported"
        );
    }
}
