fn main() {
    use nasc_compiler::driver::*;
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let t = std::time::Instant::now();
    let c = compile(Source { name: path, text }, &NoSources, &Options::default());
    eprintln!("{:?}", t.elapsed());
    for d in &c.diagnostics {
        println!(
            "{} {:?} {}\n   @{:?} {:?} {}",
            d.code,
            d.severity,
            d.title,
            d.primary.span.start,
            c.sources.text(d.primary.span),
            d.primary.message
        );
        for l in &d.secondary {
            println!("   + {} {:?}: {}", c.sources.file(l.span.file).name, c.sources.text(l.span), l.message)
        }
        for n in &d.notes {
            println!("   = {n}")
        }
        for n in &d.help {
            println!("   ? {n}")
        }
    }
    for s in &c.supernets {
        println!(
            "{} nodes {} decisions {:?}",
            s.name,
            s.len(),
            s.decisions.iter().map(|d| d.name.to_string()).collect::<Vec<_>>()
        );
        for w in s.weights.iter().take(400) {
            println!("  {} {:?}", w.name, w.shape);
        }
        println!("count {} ", nasc_compiler::count::count(s).unwrap());
        println!("range {:?}", nasc_compiler::cost::params_range(s).unwrap().max);
        println!("macs {:?}", nasc_compiler::cost::macs_range(s).unwrap().max);
    }
}
