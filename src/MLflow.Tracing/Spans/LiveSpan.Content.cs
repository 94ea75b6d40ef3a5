using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MLflow;

public sealed partial class LiveSpan
{
    /// <summary>Records what the work was given. Serialised as JSON now, so a later change of the object is not seen.</summary>
    public void SetInputs(object? inputs) => SetAttribute(AttributeNames.Inputs, inputs);

    /// <summary>Records what the work gave. Serialised as JSON now.</summary>
    public void SetOutputs(object? outputs) => SetAttribute(AttributeNames.Outputs, outputs);

    /// <summary>Sets an attribute; a value of the same key is replaced. Anything but text, numbers and booleans is serialised as JSON.</summary>
    /// <param name="key">The attribute's name. An empty one is ignored.</param>
    /// <param name="value">The value. Where it cannot be serialised, its <c>ToString()</c> is recorded.</param>
    public void SetAttribute(string key, object? value)
    {
        if (string.IsNullOrEmpty(key) || HasEnded)
        {
            return;
        }

        SetAttribute(key, ValueEncoder.Encode(value));
    }

    /// <summary>Sets several attributes.</summary>
    public void SetAttributes(IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        ArgumentNullException.ThrowIfNull(attributes);
        foreach (var (key, value) in attributes)
        {
            SetAttribute(key, value);
        }
    }

    /// <summary>Changes the span's type.</summary>
    public void SetSpanType(string spanType)
    {
        if (!string.IsNullOrEmpty(spanType))
        {
            lock (_attributes)
            {
                if (!HasEnded)
                {
                    SpanType = spanType;
                }
            }
        }
    }

    /// <summary>Adds an event that happened now.</summary>
    public void AddEvent(string name, IEnumerable<KeyValuePair<string, object?>>? attributes = null)
    {
        if (string.IsNullOrEmpty(name) || HasEnded)
        {
            return;
        }

        AddEvent(new SpanEvent(name, Trace.NowNs(), Encode(attributes)));
    }

    /// <summary>Links the span to another one, for example to the request that put the work into a queue. MLflow's servers of today show no links.</summary>
    public void AddLink(LiveSpan span) => AddLink(span, null);

    /// <inheritdoc cref="AddLink(LiveSpan)"/>
    /// <param name="span">The other span.</param>
    /// <param name="attributes">What is said of the link. Null: nothing.</param>
    public void AddLink(LiveSpan span, IEnumerable<KeyValuePair<string, object?>>? attributes)
    {
        ArgumentNullException.ThrowIfNull(span);
        if (!span.Trace.IsOff && !HasEnded)
        {
            AddLink(new SpanLink(span.Trace.OtelTraceId, span.OtelSpanId, Encode(attributes)));
        }
    }

    /// <summary>As <see cref="AddLink(LiveSpan)"/>, to a span that is known by its ids.</summary>
    /// <param name="traceId"><c>tr-</c> and 32 hexadecimal digits in lower case, or these alone. Anything else is ignored, with a warning.</param>
    /// <param name="spanId">16 hexadecimal digits in lower case. Anything else is ignored, with a warning.</param>
    public void AddLink(string traceId, string spanId) => AddLink(traceId, spanId, null);

    /// <inheritdoc cref="AddLink(string, string)"/>
    /// <param name="traceId"><c>tr-</c> and 32 hexadecimal digits in lower case, or these alone. Anything else is ignored, with a warning.</param>
    /// <param name="spanId">16 hexadecimal digits in lower case. Anything else is ignored, with a warning.</param>
    /// <param name="attributes">What is said of the link. Null: nothing.</param>
    public void AddLink(string traceId, string spanId, IEnumerable<KeyValuePair<string, object?>>? attributes)
    {
        ArgumentNullException.ThrowIfNull(traceId);
        ArgumentNullException.ThrowIfNull(spanId);
        if (HasEnded)
        {
            return;
        }

        var trace = traceId.StartsWith("tr-", StringComparison.Ordinal) ? traceId[3..] : traceId;
        if (RandomId.IsTrace(trace) && RandomId.IsSpan(spanId))
        {
            AddLink(new SpanLink(ActivityTraceId.CreateFromString(trace), ActivitySpanId.CreateFromString(spanId), Encode(attributes)));
        }
        else
        {
            Trace.Outlet.Log?.Warn("link", $"A link to trace '{traceId}', span '{spanId}' was left out: it takes 32 and 16 hexadecimal digits in lower case that are not all zero.");
        }
    }

    /// <summary>
    /// Sets the status. As in OpenTelemetry, <see cref="SpanStatusCode.Ok"/> is final and <see cref="SpanStatusCode.Unset"/> is ignored.
    /// </summary>
    /// <param name="code">The status.</param>
    /// <param name="message">Kept for <see cref="SpanStatusCode.Error"/> only.</param>
    public void SetStatus(SpanStatusCode code, string? message = null)
    {
        lock (_attributes)
        {
            if (HasEnded || code == SpanStatusCode.Unset || StatusCode == SpanStatusCode.Ok)
            {
                return;
            }

            StatusCode = code;
            StatusMessage = code == SpanStatusCode.Error ? message : null;
        }
    }

    /// <summary>Records an exception as an event (type, message, stack trace) and sets the status to error.</summary>
    public void RecordException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        if (HasEnded)
        {
            return;
        }

        var type = exception.GetType().Name;
        var message = ExceptionText.MessageOf(exception);
        RecordException(type, message, ExceptionText.Of(exception));
        SetStatus(SpanStatusCode.Error, $"{type}: {message}");
    }

    internal void RecordException(string type, string message, string? stackTrace, long? timeNs = null)
    {
        var attributes = new List<KeyValuePair<string, AttributeValue>>(3)
        {
            new(AttributeNames.ExceptionMessage, AttributeValue.FromString(message)),
            new(AttributeNames.ExceptionType, AttributeValue.FromString(type)),
        };
        if (stackTrace is not null)
        {
            attributes.Add(new(AttributeNames.ExceptionStackTrace, AttributeValue.FromString(stackTrace)));
        }

        AddEvent(new SpanEvent(AttributeNames.ExceptionEvent, timeNs ?? Trace.NowNs(), [.. attributes]));
    }

    internal bool HasInputs => Has(AttributeNames.Inputs);

    internal bool HasOutputs => Has(AttributeNames.Outputs);

    internal void AddEvent(SpanEvent spanEvent)
    {
        lock (_attributes)
        {
            if (!HasEnded)
            {
                (_events ??= []).Add(spanEvent);
            }
        }
    }

    internal void SetChunks(ChunkLog? chunks)
    {
        lock (_attributes)
        {
            if (!HasEnded)
            {
                Chunks = chunks;
            }
        }
    }

    internal void SetAttribute(string key, AttributeValue value)
    {
        lock (_attributes)
        {
            if (HasEnded)
            {
                return;
            }

            Put(key, value);
        }
    }

    /// <summary>Sets several attributes at once; of those with one key the last counts.</summary>
    internal void SetAttributes(List<KeyValuePair<string, AttributeValue>> attributes)
    {
        lock (_attributes)
        {
            if (HasEnded)
            {
                return;
            }

            _attributes.EnsureCapacity(_attributes.Count + attributes.Count);
            foreach (var (key, value) in CollectionsMarshal.AsSpan(attributes))
            {
                Put(key, value);
            }
        }
    }

    private void Put(string key, AttributeValue value)
    {
        foreach (ref var attribute in CollectionsMarshal.AsSpan(_attributes))
        {
            if (attribute.Key == key)
            {
                attribute = new(key, value);
                return;
            }
        }

        _attributes.Add(new(key, value));
    }

    /// <summary>Records token usage on the span, in the shape that MLflow reads.</summary>
    internal void SetUsage(TokenUsage usage)
    {
        lock (_attributes)
        {
            if (HasEnded)
            {
                return;
            }

            _usage = new StrongBox<TokenUsage>(usage);
        }

        SetAttribute(AttributeNames.TokenUsage, AttributeValue.FromJson(UsageJson.Write(usage)));
    }

    private void AddLink(SpanLink link)
    {
        lock (_attributes)
        {
            if (!HasEnded)
            {
                (_links ??= []).Add(link);
            }
        }
    }

    private static KeyValuePair<string, AttributeValue>[] Encode(IEnumerable<KeyValuePair<string, object?>>? attributes) =>
        attributes?.Where(a => !string.IsNullOrEmpty(a.Key)).Select(a => KeyValuePair.Create(a.Key, ValueEncoder.Encode(a.Value))).ToArray() ?? [];

    private bool Has(string key)
    {
        lock (_attributes)
        {
            return _attributes.Exists(a => a.Key == key);
        }
    }
}
