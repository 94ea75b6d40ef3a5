namespace MLflow;

/// <summary>
/// Makes each call of the method a span: its parameters are the inputs, what it returns is the output, an exception is recorded and passes on
/// unchanged. As a decorator it works wherever the method is called from: directly, by an interface, a delegate, reflection.
/// </summary>
/// <remarks>
/// <para>The build weaves it into the method; what cannot be woven is a warning of the build (docs/trace-attribute.md lists them).
/// <c>MlflowTraceWeaving=false</c> in the project turns it off; <see cref="Mlflow.Trace{T}(string, string, Func{LiveSpan, T})"/> and <see cref="Mlflow.StartSpan"/> need no weaving.</para>
/// <para>The span of an asynchronous method ends with its task; that of an iterator begins with the first element that is asked for, and ends with
/// the enumeration, also one that is left early. It is not inherited: an override that shall be traced has its own.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class TraceAttribute : Attribute
{
    /// <summary>Traces the method.</summary>
    /// <param name="spanType">One of <see cref="MLflow.SpanType"/>, or your own.</param>
    public TraceAttribute(string spanType = MLflow.SpanType.Unknown)
    {
        SpanType = spanType;
    }

    /// <summary>Type of the spans.</summary>
    public string SpanType { get; }

    /// <summary>Name of the spans. Default: the method's name.</summary>
    public string? Name { get; set; }

    /// <summary>False: parameters are not recorded. To leave out some of them, mark those with <see cref="NotTracedAttribute"/>.</summary>
    public bool CaptureInputs { get; set; } = true;

    /// <summary>False: neither what the method returns nor the elements of an iterator are recorded.</summary>
    public bool CaptureOutput { get; set; } = true;

    /// <summary>
    /// For iterators: name of a static method of the same type that makes one output of all elements, for example of the pieces of a text:
    /// <c>OutputReducer = nameof(Join)</c> with <c>static string Join(IEnumerable&lt;string&gt; pieces)</c>. Default: the output is a list of them.
    /// </summary>
    /// <remarks>It is called at the end of the enumeration, with at most the first 10,000 elements. Where it throws, the list is the output.</remarks>
    public string? OutputReducer { get; set; }

    /// <summary>
    /// Where a call begins a trace: the probability that it is recorded, from 0 to 1, instead of what is set otherwise (<see cref="MlflowClientOptions.SamplingRatio"/>). Below another
    /// span it has no effect. Any other number is a warning of the build, and is ignored. Default: <see cref="double.NaN"/>, as set otherwise.
    /// </summary>
    public double SamplingRatio { get; set; } = double.NaN;
}
