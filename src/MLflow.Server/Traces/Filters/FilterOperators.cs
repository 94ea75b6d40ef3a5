using System.Globalization;

namespace MLflow.Server.Traces.Filters;

/// <summary>Which operators what kind of key takes, and the checks that all of them share.</summary>
internal static class FilterOperators
{
    public static readonly FilterOperator[] Numeric =
    [
        FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual, FilterOperator.Less, FilterOperator.LessOrEqual,
    ];

    public static readonly FilterOperator[] Equality = [FilterOperator.Equal];

    public static readonly FilterOperator[] Patterns = [FilterOperator.ILike, FilterOperator.Like];

    /// <summary>Of experiments and runs, whose texts have no regular expressions.</summary>
    public static readonly FilterOperator[] PlainText = [FilterOperator.Equal, FilterOperator.NotEqual, FilterOperator.Like, FilterOperator.ILike];

    public static readonly FilterOperator[] Text = [FilterOperator.Equal, FilterOperator.NotEqual, .. Patterns, FilterOperator.RLike];

    public static readonly FilterOperator[] TextOrList = [.. Text, FilterOperator.In, FilterOperator.NotIn];

    public static readonly FilterOperator[] TextOrNull = [.. Text, FilterOperator.IsNull, FilterOperator.IsNotNull];

    /// <summary>What the names of operators in errors look like.</summary>
    public static string Names(FilterOperator[] operators) => $"{{{string.Join(", ", operators.Select(Name))}}}";

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the key does not take this operator.</exception>
    public static void Require(FilterClause clause, FilterOperator[] allowed)
    {
        if (!allowed.Contains(clause.Operator))
        {
            throw FilterError.At($"Invalid comparator '{clause.OperatorText}' not one of '{Names(allowed)}'", clause.OperatorPosition);
        }
    }

    /// <summary>As <see cref="Require"/>, in the words of searches for experiments and runs, which name the key.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the key does not take this operator.</exception>
    public static void RequireOfKey(FilterClause clause, FilterOperator[] allowed)
    {
        if (!allowed.Contains(clause.Operator))
        {
            throw FilterError.At($"Invalid comparator '{clause.OperatorText}' for '{FilterError.Shown(clause.Key)}': not one of '{Names(allowed)}'", clause.OperatorPosition);
        }
    }

    /// <summary>The texts of a comparison of experiments or runs.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: one is not in quotes.</exception>
    public static IReadOnlyList<object> TextsOfKey(FilterClause clause) => clause.HasTextsOnly
        ? [.. clause.Values.Select(value => (object)value.Text)]
        : throw FilterError.At($"Expected a quoted string value for '{FilterError.Shown(clause.Key)}' (e.g. 'my-value'). Got value {clause.RawValue}", clause.ValuePosition);

    /// <summary>A long, or a double; in quotes or not.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a number.</exception>
    public static object Number(FilterClause clause)
    {
        var text = clause.Values[0].Text;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
        {
            return integer;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw FilterError.At($"Expected a numeric value for '{clause.Key}'. Got value {clause.RawValue}", clause.ValuePosition);
    }

    /// <summary>The texts to compare with; a regular expression among them is one.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: one is not in quotes, or not a regular expression.</exception>
    public static IReadOnlyList<object> Texts(FilterClause clause, string entity)
    {
        if (!clause.HasTextsOnly)
        {
            var wrong = clause.Values.First(value => value.Kind != FilterTokenKind.Text);
            throw FilterError.At($"Expected a quoted string value for {entity} (e.g. 'my-value'). Got value {FilterError.Shown(wrong.Raw)}", wrong.Position);
        }

        if (clause.Operator == FilterOperator.RLike)
        {
            FilterRegex.Require(clause.Values[0]);
        }

        return [.. clause.Values.Select(value => value.Text)];
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a value of the list is not a quoted string.</exception>
    public static void RequireTextsInList(FilterClause clause)
    {
        if (clause.IsList && !clause.HasTextsOnly)
        {
            throw FilterError.At(
                $"While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: {clause.RawValue}",
                clause.Values.First(value => value.Kind != FilterTokenKind.Text).Position);
        }
    }

    private static string Name(FilterOperator @operator) => @operator switch
    {
        FilterOperator.Equal => "'='",
        FilterOperator.NotEqual => "'!='",
        FilterOperator.Greater => "'>'",
        FilterOperator.GreaterOrEqual => "'>='",
        FilterOperator.Less => "'<'",
        FilterOperator.LessOrEqual => "'<='",
        FilterOperator.Like => "'LIKE'",
        FilterOperator.ILike => "'ILIKE'",
        FilterOperator.RLike => "'RLIKE'",
        FilterOperator.In => "'IN'",
        FilterOperator.NotIn => "'NOT IN'",
        FilterOperator.IsNull => "'IS NULL'",
        _ => "'IS NOT NULL'",
    };
}
