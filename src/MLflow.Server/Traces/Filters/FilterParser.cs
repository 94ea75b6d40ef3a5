namespace MLflow.Server.Traces.Filters;

/// <summary>
/// Reads MLflow's filter grammar: clauses joined by AND. Error texts begin as MLflow's do, since its clients' tests match them;
/// where that helps, the position follows.
/// </summary>
internal sealed class FilterParser
{
    /// <summary>Clauses in one filter; each becomes a condition of the query.</summary>
    public const int MaxClauses = 100;

    /// <summary>Characters of a filter; SQLite refuses patterns above 50,000 bytes.</summary>
    public const int MaxLength = 10_000;

    private readonly List<FilterToken> _tokens;
    private int _at;

    private FilterParser(List<FilterToken> tokens) => _tokens = tokens;

    private FilterToken Current => _tokens[_at];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the text is not a filter.</exception>
    public static IReadOnlyList<FilterClause> Parse(string? filter) =>
        string.IsNullOrWhiteSpace(filter) ? []
        : filter.Length <= MaxLength ? new FilterParser(FilterLexer.Read(filter)).Clauses(filter)
        : throw Invalid($"The filter has {filter.Length} characters; at most {MaxLength} are allowed.");

    private List<FilterClause> Clauses(string filter)
    {
        var clauses = new List<FilterClause>();
        var joined = true;
        while (Current.Kind != FilterTokenKind.End)
        {
            // MLflow passes over an AND too many.
            if (Current.Is("AND"))
            {
                joined = true;
                _at++;
                continue;
            }

            if (Current.Kind == FilterTokenKind.Semicolon)
            {
                if (_tokens[_at + 1].Kind == FilterTokenKind.End)
                {
                    break;
                }

                throw Invalid($"Search filter contained multiple expression '{filter}'. Provide AND-ed expression list.");
            }

            if (!joined || Current.Kind != FilterTokenKind.Word)
            {
                throw InvalidClause(Current);
            }

            if (clauses.Count == MaxClauses)
            {
                throw Invalid($"The filter has more than {MaxClauses} clauses; split the search.");
            }

            clauses.Add(Clause());
            joined = false;
        }

        return clauses;
    }

    private FilterClause Clause()
    {
        var name = Current;
        _at++;
        var (operation, text) = Operator(name);
        var dot = name.Text.IndexOf('.');
        var clause = new FilterClause
        {
            Prefix = dot > 0 ? name.Text[..dot] : null,
            Key = dot > 0 ? name.Text[(dot + 1)..] : name.Text,
            Position = name.Position,
            Operator = operation,
            OperatorText = text,
        };
        return operation switch
        {
            FilterOperator.IsNull or FilterOperator.IsNotNull => clause,
            FilterOperator.In or FilterOperator.NotIn => clause with { Values = List() },
            _ => clause with { Values = [Value()] },
        };
    }

    private (FilterOperator Operator, string Text) Operator(FilterToken name)
    {
        var token = Current;
        _at++;
        if (token.Kind == FilterTokenKind.Operator)
        {
            return (token.Text switch
            {
                "=" => FilterOperator.Equal,
                "!=" => FilterOperator.NotEqual,
                ">" => FilterOperator.Greater,
                ">=" => FilterOperator.GreaterOrEqual,
                "<" => FilterOperator.Less,
                _ => FilterOperator.LessOrEqual,
            }, token.Text);
        }

        switch (token.Kind == FilterTokenKind.Word ? token.Text.ToUpperInvariant() : null)
        {
            case "LIKE":
                return (FilterOperator.Like, "LIKE");
            case "ILIKE":
                return (FilterOperator.ILike, "ILIKE");
            case "RLIKE":
                return (FilterOperator.RLike, "RLIKE");
            case "IN":
                return (FilterOperator.In, "IN");
            case "NOT" when Current.Is("IN"):
                _at++;
                return (FilterOperator.NotIn, "NOT IN");
            case "IS" when Current.Is("NULL"):
                _at++;
                return (FilterOperator.IsNull, "IS NULL");
            case "IS" when Current.Is("NOT") && _tokens[_at + 1].Is("NULL"):
                _at += 2;
                return (FilterOperator.IsNotNull, "IS NOT NULL");
            default:
                throw InvalidClause(name.Is("NOT") || name.Is("OR") || token.Kind == FilterTokenKind.End ? name : token);
        }
    }

    private FilterToken Value()
    {
        var value = Current;
        switch (value.Kind)
        {
            case FilterTokenKind.Text or FilterTokenKind.Number:
                _at++;
                return value;
            case FilterTokenKind.Word:
                throw Invalid(
                    $"Parameter value is either not quoted or unidentified quote types used for string value {value.Raw}. Use either single or double quotes. (at position {value.Position})");
            case FilterTokenKind.End:
                throw Invalid($"Invalid clause(s) in filter string: the filter ends where a value should stand (at position {value.Position})");
            default:
                throw InvalidClause(value);
        }
    }

    private List<FilterToken> List()
    {
        if (Current.Kind != FilterTokenKind.Open)
        {
            throw InvalidClause(Current);
        }

        var open = _at++;
        var values = new List<FilterToken>();
        while (Current.Kind is not (FilterTokenKind.Close or FilterTokenKind.End))
        {
            if (Current.Kind != FilterTokenKind.Comma)
            {
                values.Add(Current);
            }

            _at++;
        }

        if (Current.Kind == FilterTokenKind.End)
        {
            throw InvalidClause(_tokens[open]);
        }

        _at++;
        if (values.Count == 0)
        {
            throw Invalid("While parsing a list in the query, expected a non-empty list of string values, but got empty list");
        }

        return values.TrueForAll(value => value.Kind == FilterTokenKind.Text)
            ? values
            : throw Invalid(
                "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: "
                + $"({string.Join(", ", values.Select(value => value.Raw))})");
    }

    private static MlflowException InvalidClause(FilterToken token) =>
        Invalid(token.Kind == FilterTokenKind.End
            ? $"Invalid clause(s) in filter string: the filter ends too early (at position {token.Position})"
            : $"Invalid clause(s) in filter string: '{token.Raw}' (at position {token.Position})");

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
