using Mono.Cecil;
using Mono.Cecil.Cil;

namespace MLflow.Tracing.Weaver;

/// <summary>Cecil's writer of symbols inside of an assembly, which asks for a file's name that it does not use, and has none where a stream is written.</summary>
internal sealed class EmbeddedSymbols : ISymbolWriterProvider
{
    private readonly EmbeddedPortablePdbWriterProvider _provider = new();

    public ISymbolWriter GetSymbolWriter(ModuleDefinition module, string fileName) => _provider.GetSymbolWriter(module, module.Name);

    public ISymbolWriter GetSymbolWriter(ModuleDefinition module, Stream symbolStream) => _provider.GetSymbolWriter(module, symbolStream);
}
