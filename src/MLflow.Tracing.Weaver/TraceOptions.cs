using System.Text.RegularExpressions;
using Mono.Cecil;

namespace MLflow.Tracing.Weaver;

/// <summary>What the attributes of a method say.</summary>
internal sealed class TraceOptions
{
    private const string TraceAttribute = "MLflow.TraceAttribute";
    private const string SpanAttribute = "MLflow.SpanAttributeAttribute";
    private const string NotTracedAttribute = "MLflow.NotTracedAttribute";
    private const string CancellationToken = "System.Threading.CancellationToken";

    // What the C# compiler calls a local function, <Main>g__GetWeather|0_1, and a lambda, <Main>b__0_1.
    private static readonly Regex LocalFunction = new(@"^<.*>g__(?<name>.+)\|[0-9_]+$");
    private static readonly Regex Lambda = new(@"^<<?(?<outer>[^>]*)>?\$?>b__[0-9_]+$");

    private TraceOptions(MethodDefinition method, CustomAttribute trace)
    {
        FunctionName = NameOf(method);
        SpanType = trace.ConstructorArguments.Select(a => a.Value as string).FirstOrDefault() ?? "";
        Name = Property(trace, "Name") as string is { Length: > 0 } name ? name : FunctionName;
        OutputReducer = Property(trace, "OutputReducer") as string;
        GivenRatio = Property(trace, "SamplingRatio") is double ratio && !double.IsNaN(ratio) ? ratio : null;
        CapturesOutput = Property(trace, "CaptureOutput") is not false && !Has(method.MethodReturnType, NotTracedAttribute);
        if (Property(trace, "CaptureInputs") is not false)
        {
            Inputs = [.. method.Parameters.Where(p => !IsOut(p) && IsTraced(p))];
        }

        if (CapturesOutput)
        {
            Outputs = [.. method.Parameters.Where(p => p.ParameterType.IsByReference && !p.IsIn && !IsReadOnly(p) && IsTraced(p))];
        }

        Attributes = [.. method.CustomAttributes.Where(a => a.AttributeType.FullName == SpanAttribute)];
    }

    public string Name { get; }

    public string SpanType { get; }

    public string FunctionName { get; }

    public bool CapturesOutput { get; }

    /// <summary>Name of a method; null: none.</summary>
    public string? OutputReducer { get; }

    /// <summary>What the source says; null: nothing.</summary>
    public double? GivenRatio { get; }

    /// <summary>Null: as set at run time.</summary>
    public double? SamplingRatio => GivenRatio is >= 0 and <= 1 ? GivenRatio : null;

    /// <summary>Parameters that are recorded when the method is called; null: inputs are not recorded at all.</summary>
    public List<ParameterDefinition>? Inputs { get; }

    /// <summary>Parameters that are recorded when the method returns.</summary>
    public List<ParameterDefinition> Outputs { get; } = [];

    public List<CustomAttribute> Attributes { get; }

    /// <summary>Null for a method that is not to be traced.</summary>
    public static TraceOptions? Of(MethodDefinition method) =>
        method.HasCustomAttributes && method.CustomAttributes.FirstOrDefault(a => a.AttributeType.FullName == TraceAttribute) is { } trace
            ? new TraceOptions(method, trace)
            : null;

    public static bool Has(ICustomAttributeProvider provider, string attribute) =>
        provider.HasCustomAttributes && provider.CustomAttributes.Any(a => a.AttributeType.FullName == attribute);

    /// <summary>What the source calls it.</summary>
    public static string NameOf(MethodDefinition method)
    {
        if (LocalFunction.Match(method.Name) is { Success: true } local)
        {
            return local.Groups["name"].Value;
        }

        if (Lambda.Match(method.Name) is { Success: true } lambda)
        {
            return lambda.Groups["outer"].Value + ".<lambda>";
        }

        // An explicit implementation is called by its interface, MLflow.Samples.ITool.Run.
        return method.HasOverrides ? method.Name.Substring(method.Name.LastIndexOf('.') + 1) : method.Name;
    }

    private static object? Property(CustomAttribute attribute, string name) =>
        attribute.Properties.Where(p => p.Name == name).Select(p => p.Argument.Value).FirstOrDefault();

    // C# marks an out parameter, a ref parameter with [Out] is marked the same but has [In] too.
    private static bool IsOut(ParameterDefinition parameter) => parameter.ParameterType.IsByReference && parameter.IsOut && !parameter.IsIn;

    private static bool IsReadOnly(ParameterDefinition parameter) =>
        Has(parameter, "System.Runtime.CompilerServices.IsReadOnlyAttribute") || Has(parameter, "System.Runtime.CompilerServices.RequiresLocationAttribute");

    private static bool IsTraced(ParameterDefinition parameter) =>
        !Has(parameter, NotTracedAttribute) && parameter.ParameterType.FullName != CancellationToken && !string.IsNullOrEmpty(parameter.Name);
}
