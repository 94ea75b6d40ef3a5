using System.Text;

namespace MLflow.Server.Conventions;

/// <summary>Tokens as a convention reported them, in MLflow's form and in parts that add up. What was not reported is unknown, not zero.</summary>
internal sealed class TokenUsage
{
    private readonly Dictionary<UsagePart, long> _parts = [];

    public static TokenUsage? Read(SpanSource source, IEnumerable<ConventionTable> tables)
    {
        var usage = new TokenUsage();
        foreach (var row in tables.SelectMany(table => table.Usage))
        {
            var value = source.Value(row.Key);
            if (SpanSource.Count(row.Member is null ? value : value.Member(row.Member)) is { } count)
            {
                usage._parts.TryAdd(row.Part, count);
            }
        }

        usage.MakeWhole();
        return usage._parts.Count > 0 && (usage[UsagePart.Input] ?? usage[UsagePart.Output] ?? usage[UsagePart.Total]) is not null ? usage : null;
    }

    private long? this[UsagePart part] => _parts.TryGetValue(part, out var count) ? count : null;

    /// <summary>As MLflow writes it.</summary>
    public string ToJson()
    {
        var input = this[UsagePart.Input];
        var output = this[UsagePart.Output];
        var text = new StringBuilder("{");
        Append("input_tokens", input);
        Append("output_tokens", output);
        Append("total_tokens", this[UsagePart.Total] ?? (input is not null && output is not null ? input + output : null));
        Append("cache_read_input_tokens", this[UsagePart.CacheRead]);
        Append("cache_creation_input_tokens", this[UsagePart.CacheWrite]);
        Append("reasoning_tokens", this[UsagePart.Reasoning]);
        return text.Append('}').ToString();

        void Append(string name, long? count)
        {
            if (count is { } number)
            {
                text.Append(text.Length > 1 ? ", " : "").Append('"').Append(name).Append("\": ").Append(number);
            }
        }
    }

    /// <summary>In parts that add up (<see cref="UsageBuckets"/>); null where neither input nor output is known.</summary>
    public string? ToBuckets() => new UsageBuckets
    {
        Input = this[UsagePart.Input],
        Output = this[UsagePart.Output],
        Total = this[UsagePart.Total],
        CacheRead = this[UsagePart.CacheRead],
        CacheWrite = this[UsagePart.CacheWrite],
        InputAudio = this[UsagePart.InputAudio],
        Reasoning = this[UsagePart.Reasoning],
        OutputAudio = this[UsagePart.OutputAudio],
    }.Write() is { } json ? Encoding.UTF8.GetString(json) : null;

    /// <summary>Langfuse takes the parts out of input and output before it reports them; the total tells.</summary>
    private void MakeWhole()
    {
        if (this[UsagePart.Input] is not { } input || this[UsagePart.Output] is not { } output || this[UsagePart.Total] is not { } total || input + output >= total)
        {
            return;
        }

        var besideInput = Sum(UsagePart.CacheRead, UsagePart.CacheWrite, UsagePart.InputAudio);
        var besideOutput = Sum(UsagePart.Reasoning, UsagePart.OutputAudio);
        if (input + besideInput + output + besideOutput == total)
        {
            _parts[UsagePart.Input] = input + besideInput;
            _parts[UsagePart.Output] = output + besideOutput;
        }
    }

    private long Sum(params ReadOnlySpan<UsagePart> parts)
    {
        var sum = 0L;
        foreach (var part in parts)
        {
            sum += this[part] ?? 0;
        }

        return sum;
    }
}
