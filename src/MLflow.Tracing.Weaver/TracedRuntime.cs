using Mono.Cecil;

namespace MLflow.Tracing.Weaver;

/// <summary>The members of <c>MLflow.TracedCall</c> and its like that woven code calls, as references of the module that is woven.</summary>
internal sealed class TracedRuntime
{
    private readonly ModuleDefinition _module;
    private readonly TypeDefinition _call;

    public TracedRuntime(ModuleDefinition module, ModuleDefinition tracing)
    {
        _module = module;
        _call = Type(tracing, "TracedCall");
        Span = module.ImportReference(Type(tracing, "LiveSpan"));
        var method = Type(tracing, "TracedMethod");
        Method = module.ImportReference(method);
        NewMethod = module.ImportReference(method.Methods.Single(m => m.IsConstructor && !m.IsStatic));
        SetSamplingRatio = module.ImportReference(method.Methods.Single(m => m.Name == "set_SamplingRatio"));
        IsOn = Find("get_IsOn");
        Begin = Find("Begin");
        Fail = Find("Fail");
        Abort = Find("Abort");
        EndPlain = Find("End", m => m.Parameters.Count == 1);
        EndResult = Find("End", m => m.HasGenericParameters);
        EndWithOutputs = Find("EndWithOutputs");
        Leave = Find("Leave");
        EndWork = Find("EndWork");
        FailWork = Find("FailWork");
        Reduce = Find("Reduce");
        NewReducer = module.ImportReference(Function(_call).Methods.Single(m => m.IsConstructor));
    }

    public TypeReference Span { get; }

    public TypeReference Method { get; }

    public MethodReference NewMethod { get; }

    public MethodReference SetSamplingRatio { get; }

    public MethodReference IsOn { get; }

    public MethodReference Begin { get; }

    public MethodReference Fail { get; }

    public MethodReference Abort { get; }

    public MethodReference EndPlain { get; }

    public MethodReference EndResult { get; }

    public MethodReference EndWithOutputs { get; }

    public MethodReference Leave { get; }

    public MethodReference EndWork { get; }

    public MethodReference FailWork { get; }

    public MethodReference Reduce { get; }

    /// <summary>The constructor of <c>Func&lt;T, TResult&gt;</c>.</summary>
    public MethodReference NewReducer { get; }

    /// <summary>The overload for a value of that type, or null when there is none.</summary>
    /// <param name="name"><c>EndTask</c>, <c>EndSequence</c>, <c>Iterate</c> or <c>Describe</c>.</param>
    /// <param name="type">For example <c>Task&lt;int&gt;</c>.</param>
    public MethodReference? Overload(string name, TypeReference type)
    {
        var found = _call.Methods.FirstOrDefault(m => m.Name == name && m.Parameters[0].ParameterType.GetElementType().FullName == type.GetElementType().FullName);
        return found is null ? null
            : type is GenericInstanceType generic ? Instance(_module.ImportReference(found), generic.GenericArguments[0])
            : _module.ImportReference(found);
    }

    public static MethodReference Instance(MethodReference method, params TypeReference[] arguments)
    {
        var instance = new GenericInstanceMethod(method);
        foreach (var argument in arguments)
        {
            instance.GenericArguments.Add(argument);
        }

        return instance;
    }

    /// <summary>The constructor of a generic type, of an instance of it.</summary>
    public static MethodReference Constructor(MethodReference constructor, params TypeReference[] arguments)
    {
        var type = new GenericInstanceType(constructor.DeclaringType.GetElementType());
        foreach (var argument in arguments)
        {
            type.GenericArguments.Add(argument);
        }

        var instance = new MethodReference(constructor.Name, constructor.ReturnType, type) { HasThis = true };
        foreach (var parameter in constructor.Parameters)
        {
            instance.Parameters.Add(new ParameterDefinition(parameter.ParameterType));
        }

        return instance;
    }

    private static TypeDefinition Function(TypeDefinition call) =>
        call.Methods.Single(m => m.Name == "Reduce").Parameters[1].ParameterType.GetElementType().Resolve();

    private static TypeDefinition Type(ModuleDefinition tracing, string name) =>
        tracing.GetType("MLflow", name) ?? throw new InvalidOperationException($"The referenced MLflow.Tracing {tracing.Assembly.Name.Version} has no type {name}; it is of another version than its build files.");

    private MethodReference Find(string name, Func<MethodDefinition, bool>? which = null) =>
        _module.ImportReference(_call.Methods.Single(m => m.Name == name && which?.Invoke(m) != false));
}
