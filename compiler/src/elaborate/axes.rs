//! Functions about the axes of tensors: `rearrange`, `reduce`, `repeat`, `einsum`, `slice`, `expand`.
//!
//! Each is one operation whose pattern is checked here against the types. An axis may be split where only its outermost factor
//! is chosen (whole heads are a slice); where another is, the operation is structural and is done once a value.

use super::call::Argument;
use super::error::{ElaborateError, Refusal};
use super::path::join;
use super::value::{Callable, Tensor, Value};
use super::{Evaluator, Frame};
use crate::chosen::{Chosen, TooLarge};
use crate::extent::Extent;
use crate::pattern::{Equation, Pattern};
use crate::resolve::Builtin;
use crate::size::Size;
use crate::supernet::{Attr, Cost, NodeKind, TensorType};
use indexmap::IndexMap;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// How a size that is the batch stands among the attributes.
const BATCH: &str = "N";

/// Sizes by the names of axes.
type Sizes = IndexMap<String, Extent>;

/// Why an axis cannot be taken apart as it is.
enum Split {
    /// Once for each value of the decisions it depends on.
    Apart,
    /// A mistake: what it is.
    Wrong(String),
}

impl<'p> Evaluator<'p> {
    /// A call of a function with a pattern; nothing if it is another function.
    pub(super) fn of_axes(&mut self, builtin: Builtin, arguments: &[Argument<'p>], span: Span, frame: &Frame) -> Option<Value> {
        let einsum = match builtin {
            Builtin::Einsum => true,
            Builtin::Rearrange | Builtin::Reduce | Builtin::Repeat => false,
            Builtin::Mean => {
                let rule = "`mean` says how `reduce` reduces: `reduce(x, \"n t d -> n d\", mean)`";
                return Some(self.fail(span, ElaborateError::Misplaced { what: "`mean`", rule }));
            }
            Builtin::Min
            | Builtin::Max
            | Builtin::Floor
            | Builtin::Ceil
            | Builtin::Int
            | Builtin::Len
            | Builtin::Enumerate
            | Builtin::RoundTo
            | Builtin::Channels
            | Builtin::Shape
            | Builtin::Numel
            | Builtin::Sum
            | Builtin::Concat
            | Builtin::Slice
            | Builtin::Expand
            | Builtin::Cost(_)
            | Builtin::OfTarget(_)
            | Builtin::Later(_) => return None,
        };
        if arguments.iter().any(|argument| argument.value.is_hole()) {
            return Some(Value::Hole);
        }
        // Of one of several tensors, and of structural numbers, each where it is.
        let open: Vec<&Value> = arguments.iter().map(|argument| &argument.value).filter(|value| value.is_open_tensor()).collect();
        if !open.is_empty() {
            return Some(self.axes_by_region(builtin, arguments, &open, span, frame));
        }
        Some(if einsum { self.einsum(arguments, span, frame) } else { self.pattern(builtin, arguments, span, frame) })
    }

    fn axes_by_region(
        &mut self,
        builtin: Builtin,
        arguments: &[Argument<'p>],
        open: &[&Value],
        span: Span,
        frame: &Frame,
    ) -> Value {
        let path = frame.path.weight.clone();
        self.by_region(open, &path, span, |this| {
            let mut own = Vec::with_capacity(arguments.len());
            for argument in arguments {
                let value = this.here(argument.value.clone(), argument.span);
                own.push(Argument { name: argument.name, value, span: argument.span });
            }
            this.of_axes(builtin, &own, span, frame).unwrap_or(Value::Hole)
        })
    }

    /// `rearrange(x, "…", h = 4)`, `reduce(x, "…", mean)`, `repeat(x, "…", n = N)`
    fn pattern(&mut self, builtin: Builtin, arguments: &[Argument<'p>], span: Span, frame: &Frame) -> Value {
        let name = builtin.name();
        let least = if builtin == Builtin::Reduce { 3 } else { 2 };
        let positional: Vec<&Argument<'p>> = arguments.iter().filter(|argument| argument.name.is_none()).collect();
        const NAMES: [&str; 3] = ["x", "pattern", "how"];
        if positional.len() < least {
            let error = ElaborateError::MissingArgument { op: name.into(), name: NAMES[positional.len()].into(), declared: None };
            return self.fail(span, error);
        }
        if positional.len() > least {
            let error = ElaborateError::TooManyArguments { op: name.into(), most: least, declared: None };
            return self.fail(positional[least].span, error);
        }
        let Value::Tensor(x) = &positional[0].value else {
            let what = format!("the first argument of `{name}`");
            return self.fail(positional[0].span, ElaborateError::kind(what, "a tensor", &positional[0].value));
        };
        let Value::Str(text) = &positional[1].value else {
            let what = format!("the pattern of `{name}`");
            return self.fail(positional[1].span, ElaborateError::kind(what, "a string", &positional[1].value));
        };
        let place = positional[1].span;
        let wrong = |why: String| ElaborateError::Pattern { pattern: text.clone(), why };
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err(why) => return self.fail(place, wrong(why)),
        };
        let mut how = None;
        if let Some(argument) = positional.get(2) {
            how = match &argument.value {
                Value::Op(Callable::Builtin(how @ (Builtin::Mean | Builtin::Sum | Builtin::Min | Builtin::Max))) => {
                    Some(how.name())
                }
                other => {
                    let what = "how `reduce` reduces";
                    return self.fail(argument.span, ElaborateError::kind(what, "one of mean, sum, min and max", other));
                }
            };
        }
        if pattern.left.len() != x.ty.shape.len() {
            let why = format!("its left side has {} dimensions, and the tensor is {}", pattern.left.len(), x.ty);
            return self.fail(place, wrong(why));
        }
        if let Err(why) = both_sides(builtin, &pattern) {
            return self.fail(place, wrong(why));
        }
        let mut given: IndexMap<String, (Value, Span)> = IndexMap::new();
        for argument in arguments {
            let Some(name) = argument.name else { continue };
            let known = Pattern::names(&pattern.left).chain(Pattern::names(&pattern.right)).any(|axis| *axis == *name.text);
            if !known {
                return self.fail(name.span, wrong(format!("it has no axis `{}`", name.text)));
            }
            if self.sizes(&argument.value).is_none() {
                let what = format!("the size of the axis `{}`", name.text);
                return self.fail(argument.span, ElaborateError::kind(what, "an int", &argument.value));
            }
            given.insert(name.text.to_string(), (argument.value.clone(), argument.span));
        }
        let sizes = match self.axis_sizes(&pattern, x, &given, span) {
            Ok(sizes) => sizes,
            Err(Split::Wrong(why)) => return self.fail(place, wrong(why)),
            Err(Split::Apart) => {
                let mut open: Vec<Value> = x.ty.shape.iter().cloned().map(Value::extent).filter(Value::is_open).collect();
                open.extend(given.values().map(|(value, _)| value.clone()).filter(Value::is_open));
                let open: Vec<&Value> = open.iter().collect();
                return self.axes_by_region(builtin, arguments, &open, span, frame);
            }
        };
        self.rearranged(builtin, &pattern, text, how, &sizes, x, span, frame)
    }

    /// The size of every axis of a pattern.
    fn axis_sizes(
        &mut self,
        pattern: &Pattern,
        x: &Tensor,
        given: &IndexMap<String, (Value, Span)>,
        span: Span,
    ) -> Result<Sizes, Split> {
        let mut sizes = Sizes::new();
        for (dim, whole) in pattern.left.iter().zip(&x.ty.shape) {
            match dim.as_slice() {
                [] => {
                    if *whole != Extent::known(1) {
                        return Err(Split::Wrong(format!("`1` stands for a dimension of {whole}")));
                    }
                }
                [name] => {
                    self.agrees(name, whole, given, span)?;
                    sizes.insert(name.clone(), whole.clone());
                }
                names => self.split_axis(names, whole, given, &mut sizes, span)?,
            }
        }
        for name in Pattern::names(&pattern.right) {
            if sizes.contains_key(name) {
                continue;
            }
            let Some((value, _)) = given.get(name) else {
                return Err(Split::Wrong(format!("the size of `{name}` is not known: give it as `{name} = …`")));
            };
            match value {
                value if value.is_open() => return Err(Split::Apart),
                Value::Int(size) if *size >= 1 => sizes.insert(name.to_string(), Extent::known(*size)),
                Value::Size(size) if **size == Size::batch() => sizes.insert(name.to_string(), Extent::Fixed((**size).clone())),
                other => return Err(Split::Wrong(format!("`{name}` would be {}", other.describe()))),
            };
        }
        Ok(sizes)
    }

    /// That a size that is given for an axis is the one it has.
    fn agrees(&mut self, name: &str, own: &Extent, given: &IndexMap<String, (Value, Span)>, span: Span) -> Result<(), Split> {
        let Some((value, _)) = given.get(name) else { return Ok(()) };
        let (Some(needed), Ok(Some(own_size))) = (self.sizes(value), own.size(self.most_points())) else { return Ok(()) };
        match self.differ(&needed, &own_size, span) {
            None => Ok(()),
            Some(_) => Err(Split::Wrong(format!("`{name}` is {own} and not {}", size_text(value)))),
        }
    }

    /// The sizes of axes that are one dimension.
    fn split_axis(
        &mut self,
        names: &[String],
        whole: &Extent,
        given: &IndexMap<String, (Value, Span)>,
        sizes: &mut Sizes,
        span: Span,
    ) -> Result<(), Split> {
        let settled = whole.always().map(Extent::known);
        let whole = settled.as_ref().unwrap_or(whole);
        // What was merged of as many factors comes apart as it was put together.
        if let Extent::Factors { factors } = whole
            && factors.len() == names.len()
        {
            let agree = names.iter().zip(factors).all(|(name, factor)| self.agrees(name, factor, given, span).is_ok());
            if agree {
                sizes.extend(names.iter().cloned().zip(factors.iter().cloned()));
                return Ok(());
            }
        }
        let unknown: Vec<&String> = names.iter().filter(|name| !given.contains_key(*name)).collect();
        if unknown.len() > 1 {
            let names: Vec<String> = unknown.iter().map(|name| format!("`{name}`")).collect();
            return Err(Split::Wrong(format!("of {} all but one must be given", names.join(" and "))));
        }
        let mut known = Size::known(1);
        for (position, name) in names.iter().enumerate() {
            let Some((value, _)) = given.get(name) else { continue };
            match value {
                Value::Int(size) if *size < 1 => return Err(Split::Wrong(format!("`{name}` would be {size}"))),
                // The outermost may be chosen: it is what is left of a width.
                value if value.is_open() && position == 0 && unknown.is_empty() => continue,
                value if value.is_open() && position == 0 => {
                    return self.split_outermost(names, whole, value, &unknown, sizes, span);
                }
                value if value.is_open() => return Err(Split::Apart),
                other => {
                    let size = other.as_size().and_then(|size| known.mul(&size));
                    known = size.ok_or_else(|| Split::Wrong("its sizes are beyond 64 bits".into()))?;
                }
            }
        }
        let left = unknown.first().map(|name| (*name).clone());
        let open_outermost = given.get(&names[0]).is_some_and(|(value, _)| value.is_open());
        let rest_name = left.or_else(|| open_outermost.then(|| names[0].clone()));
        let does_not_divide = || Split::Wrong(format!("{whole} is not a multiple of {known}"));
        let rest = match whole {
            Extent::Fixed(size) => {
                let rest =
                    size.floor_div(&known).filter(|rest| rest.mul(&known).as_ref() == Some(size)).ok_or_else(does_not_divide)?;
                Extent::Fixed(rest)
            }
            Extent::Width { sizes: widths, of } => {
                let Some(known) = known.constant() else { return Err(Split::Apart) };
                // Only what stands outermost is a prefix of a prefix.
                if rest_name.as_ref() != Some(&names[0]) {
                    return Err(Split::Apart);
                }
                if widths.entries().any(|size| size % known != 0) || of % known != 0 {
                    return Err(Split::Apart);
                }
                Extent::Width { sizes: widths.map(|size| size / known), of: of / known }
            }
            Extent::Parts { .. } | Extent::Factors { .. } => return Err(Split::Apart),
        };
        match &rest_name {
            Some(name) => {
                if rest.constant().is_some_and(|rest| rest < 1) {
                    return Err(does_not_divide());
                }
                self.agrees(name, &rest, given, span)?;
            }
            None if rest != Extent::known(1) => {
                return Err(Split::Wrong(format!("{whole} is not {known}, the product of the sizes that are given")));
            }
            None => {}
        }
        for name in names {
            let size = match given.get(name) {
                _ if rest_name.as_ref() == Some(name) => rest.clone(),
                Some((value, _)) => Extent::Fixed(value.as_size().unwrap_or_default()),
                None => rest.clone(),
            };
            sizes.insert(name.clone(), size);
        }
        Ok(())
    }

    /// `(h d)` with a chosen `h` in front, and one other factor to be found: what is left must be the same in every run.
    fn split_outermost(
        &mut self,
        names: &[String],
        whole: &Extent,
        outermost: &Value,
        unknown: &[&String],
        sizes: &mut Sizes,
        span: Span,
    ) -> Result<(), Split> {
        let [unknown] = unknown else { return Err(Split::Apart) };
        let (Some(heads), Ok(Some(total))) = (self.sizes(outermost), whole.size(self.most_points())) else {
            return Err(Split::Apart);
        };
        let quotient = total.zip(&heads, self.most_points(), |total, heads, _, _| {
            Ok::<_, TooLarge>(total.floor_div(heads).filter(|rest| rest.mul(heads).as_ref() == Some(total)))
        });
        let Ok(Some(quotient)) = quotient else { return Err(Split::Apart) };
        let (Some(rest), [first, second]) = (quotient.fixed().and_then(Size::constant), names) else { return Err(Split::Apart) };
        let Extent::Width { sizes: widths, of } = whole else { return Err(Split::Apart) };
        if second != *unknown
            || rest < 1
            || of % rest != 0
            || self.differ(&total, &heads.map(|heads| heads.mul(&Size::known(rest)).unwrap_or_default()), span).is_some()
        {
            return Err(Split::Apart);
        }
        sizes.insert(first.clone(), Extent::Width { sizes: widths.map(|size| size / rest), of: of / rest });
        sizes.insert(second.clone(), Extent::known(rest));
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, which exist nowhere else")]
    fn rearranged(
        &mut self,
        builtin: Builtin,
        pattern: &Pattern,
        text: &Arc<str>,
        how: Option<&'static str>,
        sizes: &Sizes,
        x: &Tensor,
        span: Span,
        frame: &Frame,
    ) -> Value {
        let mut shape = Vec::with_capacity(pattern.right.len());
        for dim in &pattern.right {
            let factors: Vec<Extent> = dim.iter().map(|name| sizes[name.as_str()].clone()).collect();
            match Extent::merged(&factors) {
                Some(extent) => shape.push(extent),
                None => return self.fail(span, ElaborateError::Overflow { operator: "elements" }),
            }
        }
        let ty = TensorType { dtype: x.ty.dtype, shape };
        if !self.positive(&ty, &format!("the result of `{}`", builtin.name()), span, None) {
            return Value::Hole;
        }
        let mut attrs = IndexMap::from([(Arc::from("pattern"), Attr::Str(text.to_string()))]);
        if let Some(how) = how {
            attrs.insert("how".into(), Attr::Str(how.into()));
        }
        // Sizes that cannot be read off what is given: all but one of a dimension that is taken apart, and new ones.
        let mut needed: Vec<&String> = pattern.left.iter().filter(|dim| dim.len() > 1).flatten().collect();
        needed.extend(pattern.right.iter().flatten().filter(|name| !pattern.left.iter().flatten().any(|known| known == *name)));
        for name in needed {
            let attr = match &sizes[name.as_str()] {
                Extent::Fixed(size) => match size.constant() {
                    Some(size) => Attr::Int(size),
                    None if *size == Size::batch() => Attr::Str(BATCH.into()),
                    // Of a dimension, the one that is left is found by dividing.
                    None => continue,
                },
                Extent::Width { sizes, .. } => Attr::Open(Box::new(sizes.map(|size| Attr::Int(*size)))),
                Extent::Parts { .. } | Extent::Factors { .. } => continue,
            };
            attrs.insert(format!("size_{name}").into(), attr);
        }
        self.structure(builtin.name(), attrs, ty, span, &[x.node], frame)
    }

    /// An operation without weights.
    fn structure(
        &mut self,
        name: &'static str,
        attrs: IndexMap<Arc<str>, Attr>,
        ty: TensorType,
        span: Span,
        operands: &[crate::supernet::NodeId],
        frame: &Frame,
    ) -> Value {
        let Some(path) = join(&frame.path.weight, name) else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        let kind = NodeKind::Op { op: name.into(), attrs, weights: IndexMap::new(), states: IndexMap::new() };
        self.add(kind, ty, &path, span, operands)
    }

    /// `einsum("bhid,bhjd->bhij", q, k)`
    fn einsum(&mut self, arguments: &[Argument<'p>], span: Span, frame: &Frame) -> Value {
        // What is piped comes first; the equation is wherever the string is.
        let Some(first) = arguments.iter().find(|argument| matches!(argument.value, Value::Str(_))) else {
            let error = ElaborateError::MissingArgument { op: "einsum".into(), name: "equation".into(), declared: None };
            return self.fail(span, error);
        };
        let Value::Str(text) = &first.value else { return Value::Hole };
        let wrong = |why: String| ElaborateError::Pattern { pattern: text.clone(), why };
        let equation = match Equation::parse(text) {
            Ok(equation) => equation,
            Err(why) => return self.fail(first.span, wrong(why)),
        };
        let mut tensors: Vec<(&Tensor, Span)> = Vec::new();
        for argument in arguments.iter().filter(|argument| !std::ptr::eq(*argument, first)) {
            match &argument.value {
                Value::Tensor(tensor) => tensors.push((tensor, argument.span)),
                other => return self.fail(argument.span, ElaborateError::kind("an operand of `einsum`", "a tensor", other)),
            }
        }
        if tensors.len() != equation.operands.len() {
            let why = format!("it is about {} operands, and {} are given", equation.operands.len(), tensors.len());
            return self.fail(first.span, wrong(why));
        }
        let mut sizes: IndexMap<char, Extent> = IndexMap::new();
        let mut apart = false;
        for ((tensor, place), letters) in tensors.iter().zip(&equation.operands) {
            if letters.len() != tensor.ty.shape.len() {
                let why = format!("it says {} axes of an operand that is {}", letters.len(), tensor.ty);
                return self.fail(*place, wrong(why));
            }
            if tensor.ty.dtype != tensors[0].0.ty.dtype {
                let what = "an operand of `einsum`".to_string();
                let (needed, found) = (tensors[0].0.ty.dtype.to_string(), (*tensor.ty).clone());
                let error = ElaborateError::Elements { what, needed, found, declared: None, origin: tensor.origin };
                return self.fail(*place, error);
            }
            for (letter, extent) in letters.iter().zip(&tensor.ty.shape) {
                let Some(known) = sizes.get(letter) else {
                    sizes.insert(*letter, extent.clone());
                    continue;
                };
                if known.lies_as(extent) {
                    continue;
                }
                let most = self.most_points();
                let (Ok(Some(a)), Ok(Some(b))) = (known.size(most), extent.size(most)) else {
                    return self.too_many_points(span, &extent.axes());
                };
                if let Some((axes, at)) = self.differ(&a, &b, span) {
                    let answer = |decision| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
                    let text = |sizes: &Chosen<Size>| sizes.at(&answer).map_or_else(String::new, Size::to_string);
                    let error = wrong(format!("`{letter}` is {} of one operand and {} of another", text(&a), text(&b)));
                    return self.fail_at(*place, error, &axes, &at);
                }
                apart = true;
            }
        }
        if apart {
            let open: Vec<Value> = sizes.values().cloned().map(Value::extent).filter(Value::is_open).collect();
            let open: Vec<&Value> = open.iter().collect();
            return self.axes_by_region(Builtin::Einsum, arguments, &open, span, frame);
        }
        let shape = equation.result.iter().map(|letter| sizes[letter].clone()).collect();
        let ty = TensorType { dtype: tensors[0].0.ty.dtype, shape };
        if !self.positive(&ty, "the result of `einsum`", span, None) {
            return Value::Hole;
        }
        match self.einsum_macs(&equation, &sizes) {
            Some(macs) => self.net.costs.push(Cost { context: self.context, macs }),
            None => return self.fail(span, ElaborateError::Overflow { operator: "macs" }),
        }
        let attrs = IndexMap::from([(Arc::from("equation"), Attr::Str(text.to_string()))]);
        let operands: Vec<_> = tensors.iter().map(|(tensor, _)| tensor.node).collect();
        self.structure("einsum", attrs, ty, span, &operands, frame)
    }

    /// Multiply-accumulates of contracting the operands from the left, two at a time.
    fn einsum_macs(&self, equation: &Equation, sizes: &IndexMap<char, Extent>) -> Option<Chosen<Size>> {
        let most = self.most_points();
        let mut total = Chosen::constant(Size::known(0));
        let mut left: Vec<char> = equation.operands.first()?.clone();
        for (number, next) in equation.operands.iter().enumerate().skip(1) {
            let mut letters = left.clone();
            letters.extend(next.iter().filter(|letter| !left.contains(letter)));
            let mut product = Chosen::constant(Size::known(1));
            for letter in &letters {
                let own = sizes[letter].size(most).ok()??;
                product = product.zip(&own, most, |a, b, _, _| Ok::<_, TooLarge>(a.mul(b))).ok()??;
            }
            total = total.zip(&product, most, |a, b, _, _| Ok::<_, TooLarge>(a.add(b))).ok()??;
            let later = |letter: &char| equation.operands[number + 1..].iter().any(|operand| operand.contains(letter));
            left = letters.into_iter().filter(|letter| equation.result.contains(letter) || later(letter)).collect();
        }
        let fits = total.entries().all(|macs| macs.at(1).is_some_and(|macs| (0..=super::tensor::LARGEST).contains(&macs)));
        fits.then_some(total)
    }

    /// `slice(x, axis, from, to)` and `expand(x, axis, size)`
    pub(super) fn slice_or_expand(
        &mut self,
        builtin: Builtin,
        x: &Value,
        place: Span,
        rest: &[(Value, Span)],
        span: Span,
        frame: &Frame,
    ) -> Value {
        let name = builtin.name();
        let Value::Tensor(tensor) = x else {
            return self.fail(place, ElaborateError::kind(format!("the first argument of `{name}`"), "a tensor", x));
        };
        let rank = tensor.ty.shape.len();
        let Some((axis, axis_place)) = rest.first() else { return Value::Hole };
        let Some(axis) = self.as_int(axis, &format!("the axis of `{name}`"), *axis_place) else { return Value::Hole };
        let at = usize::try_from(if axis < 0 { axis.saturating_add(rank as i64) } else { axis }).ok().filter(|at| *at < rank);
        let Some(at) = at else { return self.fail(*axis_place, ElaborateError::OutOfRange { index: axis, len: rank }) };
        let own = &tensor.ty.shape[at];
        let mut attrs = IndexMap::from([(Arc::from("axis"), Attr::Int(at as i64))]);
        let extent = if builtin == Builtin::Expand {
            let Some((size, size_place)) = rest.get(1) else { return Value::Hole };
            if *own != Extent::known(1) {
                let (what, found) = ("the axis that `expand` stretches".to_string(), own.to_string());
                return self.fail(span, ElaborateError::Kind { what, needed: "of size 1", found, declared: None });
            }
            let attr = match size {
                Value::Int(size) if *size >= 1 => Attr::Int(*size),
                Value::Size(size) if **size == Size::batch() => Attr::Str(BATCH.into()),
                other => {
                    return self.fail(*size_place, ElaborateError::kind("the size of `expand`", "a positive int or `N`", other));
                }
            };
            attrs.insert("size".into(), attr);
            Extent::Fixed(size.as_size().unwrap_or_default())
        } else {
            let (Some((from, from_place)), Some((to, to_place))) = (rest.get(1), rest.get(2)) else { return Value::Hole };
            let Some(from) = self.as_int(from, "the start of `slice`", *from_place) else { return Value::Hole };
            let Some(to) = self.as_int(to, "the end of `slice`", *to_place) else { return Value::Hole };
            let least = match own {
                Extent::Fixed(size) => size.constant(),
                Extent::Width { sizes, .. } => sizes.entries().copied().min(),
                Extent::Parts { .. } | Extent::Factors { .. } => None,
            };
            let open = Value::extent(own.clone());
            match least {
                Some(least) if from >= 0 && from < to && to <= least => {}
                // Each where it is one size.
                _ if open.is_open() && self.context_splits(&open) => {
                    let path = frame.path.weight.clone();
                    return self.by_region(&[&open], &path, span, |this| {
                        let own = this.here(x.clone(), span);
                        this.slice_or_expand(builtin, &own, place, rest, span, frame)
                    });
                }
                Some(_) if from >= 0 && to <= from => {
                    let needed = "an int above its start";
                    return self.fail(*to_place, ElaborateError::kind("the end of `slice`", needed, &Value::Int(to)));
                }
                Some(least) => {
                    let index = if from < 0 { from } else { to - 1 };
                    return self.fail(span, ElaborateError::OutOfRange { index, len: usize::try_from(least).unwrap_or(0) });
                }
                None => {
                    return self.fail(span, ElaborateError::NeedsNumber { what: "a sliced size".into(), found: own.to_string() });
                }
            }
            attrs.insert("from".into(), Attr::Int(from));
            attrs.insert("to".into(), Attr::Int(to));
            Extent::known(to - from)
        };
        let mut shape = tensor.ty.shape.clone();
        shape[at] = extent;
        let ty = TensorType { dtype: tensor.ty.dtype, shape };
        if !self.positive(&ty, &format!("the result of `{name}`"), span, None) {
            return Value::Hole;
        }
        self.structure(name, attrs, ty, span, &[tensor.node], frame)
    }

    /// Whether a value falls apart into several here.
    fn context_splits(&mut self, value: &Value) -> bool {
        self.sizes(value).is_some_and(|sizes| sizes.fixed().is_none())
    }
}

/// That the names of both sides go together.
fn both_sides(builtin: Builtin, pattern: &Pattern) -> Result<(), String> {
    let left: Vec<&str> = Pattern::names(&pattern.left).collect();
    let right: Vec<&str> = Pattern::names(&pattern.right).collect();
    let lost = left.iter().find(|name| !right.contains(name));
    let new = right.iter().find(|name| !left.contains(name));
    match (lost, new) {
        (Some(lost), _) if builtin != Builtin::Reduce => Err(format!("`{lost}` is not on its right side")),
        (_, Some(new)) if builtin != Builtin::Repeat => Err(format!("`{new}` is not on its left side")),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn size_text(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Size(size) => size.to_string(),
        other => other.describe(),
    }
}
