using System.Globalization;
using System.Text.Json;

namespace MLflow.Server.Pricing;

/// <summary>What a call cost.</summary>
/// <param name="Input">10⁻¹² US dollars for the input.</param>
/// <param name="Output">10⁻¹² US dollars for the output.</param>
public readonly record struct CallCost(long Input, long Output)
{
    /// <summary>10⁻¹² US dollars, a million dollars. More is a mistake, or a joke.</summary>
    internal const long Most = 1_000_000_000_000_000_000;

    private const decimal PicoUsd = Price.PicoUsd;

    /// <summary>10⁻¹² US dollars.</summary>
    public long Total => Sum(Input, Output);

    /// <summary>US dollars, unrounded.</summary>
    public decimal Usd => Total / PicoUsd;

    public static CallCost operator +(CallCost left, CallCost right) => new(Sum(left.Input, right.Input), Sum(left.Output, right.Output));

    /// <summary>Reads what <see cref="ToJson"/> writes. Null where it is something else.</summary>
    public static CallCost? Parse(string? json)
    {
        if (json is null || !json.StartsWith('{'))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            var input = Amount(document.RootElement, "input_cost");
            var output = Amount(document.RootElement, "output_cost");
            var total = Amount(document.RootElement, "total_cost");
            return (input, output, total) switch
            {
                (null, null, null) => null,
                ({ } i, { } o, _) => new CallCost(i, o),
                ({ } i, null, var t) => new CallCost(i, Math.Max(0, (t ?? i) - i)),
                (null, var o, var t) => new CallCost(Math.Max(0, (t ?? o ?? 0) - (o ?? 0)), o ?? 0),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>As MLflow stores it, in US dollars: <c>{"input_cost": 0.0005, "output_cost": 0.002, "total_cost": 0.0025}</c>.</summary>
    public string ToJson() => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"input_cost\": {Text(Input)}, \"output_cost\": {Text(Output)}, \"total_cost\": {Text(Total)}}}");

    // Amounts that strangers tell may be large.
    private static long Sum(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;

    private static string Text(long pico) => (pico / PicoUsd).ToString("0.0###########", CultureInfo.InvariantCulture);

    private static long? Amount(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var usd) && usd is >= 0 and < 1_000_000 ? (long)Math.Round(usd * PicoUsd) : null;
}
