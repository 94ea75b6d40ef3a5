using Mono.Cecil;

namespace MLflow.Tracing.Weaver;

/// <summary>Finds assemblies among the compiler's references, and nowhere else.</summary>
internal sealed class ReferenceResolver : IAssemblyResolver
{
    private readonly Dictionary<string, string> _paths = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, AssemblyDefinition> _loaded = new(StringComparer.OrdinalIgnoreCase);

    public ReferenceResolver(IEnumerable<string> references)
    {
        foreach (var path in references)
        {
            _paths[Path.GetFileNameWithoutExtension(path)] = path;
        }
    }

    public AssemblyDefinition Resolve(AssemblyNameReference name) => Resolve(name, new ReaderParameters());

    public AssemblyDefinition Resolve(AssemblyNameReference name, ReaderParameters parameters)
    {
        if (_loaded.TryGetValue(name.Name, out var assembly))
        {
            return assembly;
        }

        if (!_paths.TryGetValue(name.Name, out var path))
        {
            throw new AssemblyResolutionException(name);
        }

        return _loaded[name.Name] = AssemblyDefinition.ReadAssembly(path, new ReaderParameters { AssemblyResolver = this });
    }

    public void Dispose()
    {
        foreach (var assembly in _loaded.Values)
        {
            assembly.Dispose();
        }
    }
}
