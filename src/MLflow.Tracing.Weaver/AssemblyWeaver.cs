using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace MLflow.Tracing.Weaver;

/// <summary>Weaves one assembly in its place, its symbols with it.</summary>
internal sealed class AssemblyWeaver
{
    private const string Tracing = "MLflow.Tracing";
    private const string TraceAttribute = "MLflow.TraceAttribute";

    private const string AsyncStateMachine = "System.Runtime.CompilerServices.AsyncStateMachineAttribute";

    // MethodImplAttributes.Async: what such a method returns is no task yet.
    private const int RuntimeAsync = 0x2000;

    private readonly IEnumerable<string> _references;
    private readonly Action<WeavingWarning> _warn;

    public AssemblyWeaver(IEnumerable<string> references, Action<WeavingWarning> warn)
    {
        _references = references;
        _warn = warn;
    }

    /// <summary>Weaves the methods that have the attribute. Does nothing to an assembly that does not use it, or was woven before.</summary>
    /// <param name="assemblyFile">The assembly.</param>
    /// <param name="symbolFile">Its portable symbols; may be missing.</param>
    /// <param name="keyFile">What to sign with again; null: not signed.</param>
    /// <returns>How many methods were woven.</returns>
    public int Weave(string assemblyFile, string? symbolFile, string? keyFile)
    {
        using var resolver = new ReferenceResolver(_references);
        using var image = new MemoryStream(File.ReadAllBytes(assemblyFile));
        using var assembly = AssemblyDefinition.ReadAssembly(image, new ReaderParameters { AssemblyResolver = resolver });
        var module = assembly.MainModule;
        if (!module.GetTypeReferences().Any(t => t.FullName == TraceAttribute) || module.Types.Any(t => t.Name == TracedMethodTable.Name))
        {
            return 0;
        }

        using var symbols = Symbols.Read(module, assemblyFile, symbolFile);
        if (symbols.AreForeign)
        {
            _warn(new WeavingWarning(WarningCodes.AssemblyNotWoven, $"{Path.GetFileName(assemblyFile)} is not woven, and [Trace] does nothing in it: its symbols are of a format that cannot be rewritten. Set DebugType to portable or embedded.", null, 0, 0));
            return 0;
        }

        var count = Weave(module, resolver);
        symbols.Write(assembly, assemblyFile, keyFile is null ? null : File.ReadAllBytes(keyFile));
        return count;
    }

    private int Weave(ModuleDefinition module, ReferenceResolver resolver)
    {
        var tracing = resolver.Resolve(module.AssemblyReferences.First(r => r.Name == Tracing)).MainModule;
        var runtime = new TracedRuntime(module, tracing);
        var methods =
            from type in module.GetAllTypes()
            from method in type.Methods
            let options = TraceOptions.Of(method)
            where options is not null
            select (method, options);
        var traced = methods.ToList();
        var table = new TracedMethodTable(module, runtime);
        var count = 0;
        foreach (var (method, options) in traced)
        {
            if (CanWeave(method))
            {
                if (options.OutputReducer is { } reducer && (OutputReducer.Find(method, reducer) is null || !MethodWeaver.HasElements(method, options, runtime)))
                {
                    Warn(WarningCodes.NoReducer, method, $"has no use of its OutputReducer: the method must be an iterator or return a sequence, its output must be recorded, and its type must have a static method {reducer} that takes an IEnumerable of the elements and returns something.");
                }

                if (options.GivenRatio is { } ratio && options.SamplingRatio is null)
                {
                    Warn(WarningCodes.NoRatio, method, FormattableString.Invariant($"has a SamplingRatio of {ratio}, which is ignored: it must be from 0 (no trace) to 1 (every trace)."));
                }

                new MethodWeaver(method, options, runtime, table).Weave();
                count++;
            }
        }

        table.Close();
        return count;
    }

    private bool CanWeave(MethodDefinition method)
    {
        // An extern method that says nothing of where it comes from has an empty one.
        if (!method.HasBody || method.Body.Instructions.Count == 0)
        {
            Warn(WarningCodes.NoBody, method, "does nothing: the method has no body. " + (method.IsAbstract ? "Put it on what implements the method." : "Wrap the call in a method that has one."));
            return false;
        }

        if (((int)method.ImplAttributes & RuntimeAsync) != 0)
        {
            Warn(WarningCodes.UnknownBody, method, "does nothing: the runtime itself makes the method asynchronous (runtime-async), which cannot be woven. Use Mlflow.TraceAsync inside of it.");
            return false;
        }

        if (method.IsConstructor || method.CallingConvention == MethodCallingConvention.VarArg || method.Body.Instructions.Any(i => i.OpCode == OpCodes.Jmp))
        {
            Warn(WarningCodes.UnknownBody, method, "does nothing: the method has a body that cannot be woven. Use Mlflow.Trace inside of it.");
            return false;
        }

        if (HasUnknownTask(method))
        {
            Warn(WarningCodes.UnknownTask, method, $"records the call only: the end of the {method.ReturnType.Name} that it returns is not known. Return a Task, or use Mlflow.TraceAsync.");
        }

        return true;
    }

    /// <summary>A task of a library's own, or F#'s <c>Async</c>, whose work begins later.</summary>
    private static bool HasUnknownTask(MethodDefinition method)
    {
        var type = TypeFacts.Bare(method.ReturnType);
        var name = type.GetElementType().FullName;
        return name == "Microsoft.FSharp.Control.FSharpAsync`1"
            || (TraceOptions.Has(method, AsyncStateMachine)
                && !TypeFacts.IsVoid(type)
                && name is not ("System.Threading.Tasks.Task" or "System.Threading.Tasks.Task`1" or "System.Threading.Tasks.ValueTask" or "System.Threading.Tasks.ValueTask`1"));
    }

    private void Warn(string code, MethodDefinition method, string why)
    {
        // A method without a body has no line; one beside it tells the file.
        var own = Points(method).FirstOrDefault() ?? Points(StateMachineOf(method)).FirstOrDefault();
        var near = own ?? method.DeclaringType.Methods.SelectMany(Points).FirstOrDefault();
        _warn(new WeavingWarning(code, $"[Trace] on {method.DeclaringType.FullName}.{TraceOptions.NameOf(method)} {why}", near?.Document.Url, own?.StartLine ?? 0, own?.StartColumn ?? 0));
    }

    private static IEnumerable<SequencePoint> Points(MethodDefinition? method) =>
        method is null ? [] : method.DebugInformation.SequencePoints.Where(p => !p.IsHidden);

    /// <summary>Where the compiler put the lines of an async method.</summary>
    private static MethodDefinition? StateMachineOf(MethodDefinition method) =>
        (method.CustomAttributes.FirstOrDefault(a => a.AttributeType.FullName == AsyncStateMachine)?.ConstructorArguments[0].Value as TypeReference)?.Resolve()?.Methods.FirstOrDefault(m => m.Name == "MoveNext");
}
