namespace MLflow.Server.Storage.Sql;

/// <summary>Writes the figures of one statement in a database's dialect; every value becomes a parameter.</summary>
internal abstract class SqlFigures
{
    /// <summary>What joins span <c>s</c> to trace <c>t</c>.</summary>
    public abstract string SpanOfTrace { get; }

    /// <summary>How long span <c>s</c> took in nanoseconds, however far off its clocks are; null while it runs.</summary>
    public abstract string SpanNs { get; }

    /// <summary>How long span <c>s</c> took in whole milliseconds.</summary>
    public abstract string SpanMs { get; }

    /// <summary>How the SQL refers to a value.</summary>
    public abstract string Value(object value);

    /// <summary>The condition that a column is one of some numbers, however many.</summary>
    public abstract string In(string column, IReadOnlyList<long> values);

    /// <summary>An expression as a figure that <see cref="IFigureRow.Double"/> reads and that adds up to any size.</summary>
    public abstract string Number(string expression);

    /// <summary>The sum of an expression over a group, 0 where it has none. Figures that strangers send may add up to more than an integer holds.</summary>
    /// <param name="expression">What is added; nothing is added where it is null.</param>
    /// <param name="condition">What a row must be to count; null for all rows.</param>
    public abstract string Sum(string expression, string? condition = null);

    /// <summary>The value of an expression between the two nearest of a group (linear interpolation, as numpy's default); null where it has none.</summary>
    /// <param name="expression">Its values; null ones do not count.</param>
    /// <param name="percentile">0 to 100.</param>
    public abstract string Percentile(string expression, double percentile);

    /// <summary>The number that stands under a name in an object of JSON; null where there is none.</summary>
    /// <param name="expression">The JSON, or what is none.</param>
    /// <param name="name">Letters and underscores.</param>
    public abstract string JsonNumber(string expression, string name);

    protected static string Filter(string? condition) => condition is null ? "" : $" FILTER (WHERE {condition})";
}
