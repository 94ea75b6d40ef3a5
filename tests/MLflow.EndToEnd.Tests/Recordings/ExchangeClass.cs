using System.Globalization;
using System.Text;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>A kind of difference that is meant to be, why, and in how many places it occurs.</summary>
/// <param name="Name">The class.</param>
/// <param name="Reason">Why the trace is as it is.</param>
/// <param name="Count">Times among all recordings.</param>
/// <param name="TypedCount">Times among the streams that are read by typed methods.</param>
/// <param name="Matches">Tells whether a difference is of the class.</param>
public sealed record ExchangeClass(string Name, string Reason, int Count, int TypedCount, Func<ExchangeDifference, bool> Matches)
{
    public static readonly IReadOnlyList<ExchangeClass> All =
    [
        new("stopped by the package", "the typed method throws in the middle of a stream that it does not understand; what came until then is recorded", 0, 3, d =>
            d is { IsCutByPackage: true, What: "outputs" or "usage" or "number of chunks" }),
    ];

    /// <summary>A table of the differences by class, the class of each, and what is wrong: new differences, and classes that do not occur as often as they say.</summary>
    public static (string Table, IReadOnlyList<string> Faults) Judge(bool isTyped, IReadOnlyCollection<ExchangeDifference> differences)
    {
        var faults = new List<string>();
        var rest = differences.ToList();
        var table = new StringBuilder();
        foreach (var known in All)
        {
            var found = rest.RemoveAll(difference => known.Matches(difference));
            table.AppendLine(CultureInfo.InvariantCulture, $"{found,5}  {known.Name}: {known.Reason}");
            var expected = isTyped ? known.TypedCount : known.Count;
            if (found != expected)
            {
                faults.Add($"class '{known.Name}' was expected {expected} times and found {found} times");
            }
        }

        table.AppendLine(CultureInfo.InvariantCulture, $"{rest.Count,5}  unexplained");
        faults.AddRange(rest.Select(difference => "new: " + difference));
        return (table.ToString(), faults);
    }
}
