using Mono.Cecil;
using Mono.Cecil.Cil;

namespace MLflow.Tracing.Weaver;

/// <summary>The symbols of an assembly: in a file beside it, inside of it, or none. They are written back as they were.</summary>
internal sealed class Symbols : IDisposable
{
    private readonly string? _file;
    private readonly MemoryStream? _bytes;
    private readonly ISymbolWriterProvider? _writer;

    private Symbols(string? file, MemoryStream? bytes, ISymbolWriterProvider? writer)
    {
        _file = file;
        _bytes = bytes;
        _writer = writer;
    }

    /// <summary>True for Windows' own format.</summary>
    public bool AreForeign { get; private set; }

    /// <param name="module">Whose symbols.</param>
    /// <param name="assemblyFile">Where it was read from.</param>
    /// <param name="file">Where its symbols would be beside it.</param>
    public static Symbols Read(ModuleDefinition module, string assemblyFile, string? file)
    {
        if (module.HasDebugHeader && module.GetDebugHeader().Entries.Any(e => e.Directory.Type == ImageDebugType.EmbeddedPortablePdb))
        {
            module.ReadSymbols(new EmbeddedPortablePdbReaderProvider().GetSymbolReader(module, assemblyFile));
            return new Symbols(null, null, new EmbeddedSymbols());
        }

        if (string.IsNullOrEmpty(file) || !File.Exists(file))
        {
            return new Symbols(null, null, null);
        }

        var content = File.ReadAllBytes(file);
        if (!IsPortable(content))
        {
            return new Symbols(null, null, null) { AreForeign = true };
        }

        var bytes = new MemoryStream(content);
        module.ReadSymbols(new PortablePdbReaderProvider().GetSymbolReader(module, bytes));
        return new Symbols(file, bytes, new PortablePdbWriterProvider());
    }

    /// <summary>Both are made before one is written: an assembly that fails half-way stays as the compiler wrote it.</summary>
    public void Write(AssemblyDefinition assembly, string assemblyFile, byte[]? key)
    {
        using var image = new MemoryStream();
        using var symbols = new MemoryStream();
        assembly.Write(image, new WriterParameters
        {
            DeterministicMvid = true,
            StrongNameKeyBlob = key,
            WriteSymbols = _writer is not null,
            SymbolWriterProvider = _writer,
            SymbolStream = _file is null ? null : symbols,
        });
        // A build that is broken off between the two begins with the compiler again, and not with an assembly that has another's symbols.
        File.Delete(assemblyFile);
        if (_file is not null)
        {
            File.WriteAllBytes(_file, symbols.ToArray());
        }

        File.WriteAllBytes(assemblyFile, image.ToArray());
    }

    public void Dispose() => _bytes?.Dispose();

    // The signature of ECMA-335's metadata, which is what a portable file is.
    private static bool IsPortable(byte[] bytes) => bytes.Length > 4 && bytes[0] == 'B' && bytes[1] == 'S' && bytes[2] == 'J' && bytes[3] == 'B';
}
