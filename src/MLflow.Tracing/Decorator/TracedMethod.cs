using System.ComponentModel;

namespace MLflow;

/// <summary>What is known at build time of a method with <see cref="TraceAttribute"/>. For woven code; not meant to be called by you.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class TracedMethod
{
    private readonly KeyValuePair<string, AttributeValue>[] _attributes;

    /// <summary>For woven code.</summary>
    /// <param name="name">Name of the spans.</param>
    /// <param name="spanType">Type of the spans.</param>
    /// <param name="functionName">Name of the method.</param>
    /// <param name="capturesOutput">False: no output is recorded.</param>
    /// <param name="inputs">Names of the parameters that are recorded; null: none are.</param>
    /// <param name="outputs">Names of the values that the method gives, where it gives several.</param>
    /// <param name="attributes">Keys and values, by turns.</param>
    public TracedMethod(string name, string spanType, string functionName, bool capturesOutput, string[]? inputs, string[]? outputs, object?[]? attributes)
    {
        Name = name;
        SpanType = spanType;
        CapturesOutput = capturesOutput;
        Inputs = inputs;
        Outputs = outputs;
        _attributes = new KeyValuePair<string, AttributeValue>[1 + ((attributes?.Length ?? 0) / 2)];
        _attributes[0] = new(AttributeNames.FunctionName, AttributeValue.FromString(functionName));
        for (var i = 1; i < _attributes.Length; i++)
        {
            _attributes[i] = new(attributes![(i * 2) - 2] as string ?? "", ValueEncoder.Encode(attributes[(i * 2) - 1]));
        }
    }

    /// <summary>As <see cref="TraceAttribute.SamplingRatio"/>. What is no ratio is ignored.</summary>
    public double SamplingRatio
    {
        get => Options?.SamplingRatio ?? double.NaN;
        set => Options = value is >= 0 and <= 1 ? new SpanOptions { SamplingRatio = value } : null;
    }

    /// <summary>What the spans are started with. Null: nothing.</summary>
    internal SpanOptions? Options { get; private set; }

    internal string Name { get; }

    internal string SpanType { get; }

    internal bool CapturesOutput { get; }

    internal string[]? Inputs { get; }

    internal string[]? Outputs { get; }

    /// <summary>Records what is the same for every call, and the arguments of this one.</summary>
    internal void Describe(LiveSpan span, object?[]? arguments)
    {
        foreach (var (key, value) in _attributes)
        {
            if (key.Length > 0)
            {
                span.SetAttribute(key, value);
            }
        }

        if (Inputs is not null && arguments is not null)
        {
            span.SetAttribute(AttributeNames.Inputs, CallValues.EncodeObject(Inputs, arguments));
        }
    }
}
