fn main() {
    use nasc_compiler::driver::*;
    struct S;
    impl Sources for S {
        fn module(&self, p: &[&str]) -> Result<Source, SourceError> {
            let f = format!("tests/cases/{}.nas", p.join("/"));
            std::fs::read_to_string(&f)
                .map(|text| Source { name: f.clone(), text })
                .map_err(|_| SourceError::NotFound { tried: f })
        }
    }
    let mut paths: Vec<_> = std::fs::read_dir("tests/cases")
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "nas"))
        .collect();
    paths.sort();
    for path in paths {
        if let Some(f) = std::env::args().nth(1) {
            if !path.to_str().unwrap().contains(&f) {
                continue;
            }
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let first = text.lines().next().unwrap().to_string();
        let mut o = Options::default();
        let words: Vec<&str> = first.split_whitespace().collect();
        for w in words.windows(2) {
            if w[0] == "--set" {
                let (k, v) = w[1].split_once('=').unwrap();
                o.params.insert(k.into(), parse_param(v));
            }
            for l in Limit::ALL {
                if w[0] == format!("--{}", l.flag()) {
                    o.limits = o.limits.clone().with(l, w[1].parse().unwrap());
                }
            }
            if let Some(s) = w[1].strip_prefix("FILE:") {
                o.space = Some(s.into())
            }
        }
        let t = std::time::Instant::now();
        let c = compile(Source { name: path.display().to_string(), text }, &S, &o);
        println!("===== {} {:?} ({} found, {} ms)", path.display(), first, c.diagnostics.len(), t.elapsed().as_millis());
        for d in &c.diagnostics {
            println!("{} {:?} {}\n   @ {:?} {}", d.code, d.severity, d.title, c.sources.text(d.primary.span), d.primary.message);
            for l in &d.secondary {
                println!("   + {} {:?}: {}", c.sources.file(l.span.file).name, c.sources.text(l.span), l.message)
            }
            for n in &d.notes {
                println!("   = {}", n.replace("\n", "\n     "))
            }
            for n in &d.help {
                println!("   ? {n}")
            }
        }
    }
}
