import Testing

@testable import Report

@Suite("Names of functions, as short as they can be told apart")
struct FunctionNameTests {
    @Test(arguments: [
        ("main", "main"),
        ("_ZN3app4workEi", "app::work"),
        ("_ZN12_GLOBAL__N_14workEi", "(anonymous namespace)::work"),
        ("$s3api4loadyyYaF", "api.load"),
        ("$s3api5StoreC4loadyySSYaF", "api.Store.load"),
        ("$s3api5StoreC4loadyySSYaFZ", "api.Store.load"),
        ("$s3api5StoreC4loadyySSYaFyyYaYbcfU_", "closure #1 in api.Store.load"),
        ("$s3api5StoreC4loadyySSYaFyyYaYbcfU_TQ1_", "closure #1 in api.Store.load"),
        ("$s3api5StoreC4loadyySSYaFTY0_", "api.Store.load"),
        ("$s3api5StoreC4loadyySSYaFTf4nd_n", "api.Store.load"),
        ("$snonsense", "$snonsense"),
    ])
    func names(mangled: String, expected: String) { #expect(SymbolText.function(mangled) == expected) }
}
