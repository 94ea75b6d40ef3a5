namespace MLflow.Server.Traces.Filters;

/// <summary>
/// Reads MLflow's filter grammar, which is conditions joined by AND, and beyond it OR, NOT and parentheses:
/// <code>
/// filter      = conjunction { "OR" conjunction }
/// conjunction = condition { "AND" condition }
/// condition   = "NOT" condition | "(" filter ")" | clause
/// clause      = key operator value | key ["NOT"] "IN" "(" value { "," value } ")" | key "IS" ["NOT"] "NULL"
/// </code>
/// </summary>
internal sealed class FilterParser
{
    private const string Source = "filter string";

    private readonly string _filter;
    private readonly IReadOnlyList<FilterToken> _tokens;
    private int _at;
    private int _clauses;

    private FilterParser(string filter)
    {
        _filter = filter;
        _tokens = FilterLexer.Read(filter, Source);
    }

    private FilterToken Current => _tokens[_at];

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the text is not a filter.</exception>
    public static FilterTree<FilterClause> Parse(string? filter) =>
        string.IsNullOrWhiteSpace(filter) ? FilterTree<FilterClause>.All([]) : new FilterParser(filter).Whole();

    private FilterTree<FilterClause> Whole()
    {
        var tree = Filter(0);
        if (Current.Kind == FilterTokenKind.Semicolon)
        {
            _at++;
            if (Current.Kind != FilterTokenKind.End)
            {
                throw FilterError.At(
                    $"Search filter contained multiple expression '{FilterError.Shown(_filter)}'. Provide AND-ed expression list.", Current.Position);
            }
        }

        return Current.Kind == FilterTokenKind.End ? tree : throw Misplaced(Current);
    }

    private FilterTree<FilterClause> Filter(int depth)
    {
        var alternatives = new List<FilterTree<FilterClause>>();
        while (true)
        {
            var conditions = Conjunction(depth);

            // Nothing at all, or nothing but ANDs, is a filter that lets everything pass.
            if (conditions.Count == 0 && (depth > 0 || alternatives.Count > 0 || Current.Is("OR")))
            {
                throw Misplaced(Current);
            }

            alternatives.Add(FilterTree<FilterClause>.All(conditions));
            if (!Current.Is("OR"))
            {
                return FilterTree<FilterClause>.Any(alternatives);
            }

            _at++;
        }
    }

    private List<FilterTree<FilterClause>> Conjunction(int depth)
    {
        var conditions = new List<FilterTree<FilterClause>>();
        var joined = true;
        while (Current.Kind is not (FilterTokenKind.End or FilterTokenKind.Close or FilterTokenKind.Semicolon) && !Current.Is("OR"))
        {
            // MLflow passes over an AND too many.
            if (Current.Is("AND"))
            {
                joined = true;
                _at++;
                continue;
            }

            conditions.Add(joined ? Condition(depth) : throw Misplaced(Current));
            joined = false;
        }

        return conditions;
    }

    private FilterTree<FilterClause> Condition(int depth)
    {
        var first = Current;
        var isNot = first.Is("NOT");
        if (!isNot && first.Kind != FilterTokenKind.Open)
        {
            return FilterTree<FilterClause>.Of(Clause());
        }

        if (depth == FilterLimits.MaxDepth)
        {
            throw FilterError.At($"The filter nests parentheses and NOT deeper than {FilterLimits.MaxDepth} levels", first.Position);
        }

        _at++;
        if (isNot)
        {
            return FilterTree<FilterClause>.Not(Condition(depth + 1));
        }

        var inner = Filter(depth + 1);
        if (Current.Kind != FilterTokenKind.Close)
        {
            throw FilterError.Clauses(Source, ". The parenthesis is not closed", first);
        }

        _at++;
        return inner;
    }

    private FilterClause Clause()
    {
        var name = Current;
        if (name.Kind is not (FilterTokenKind.Word or FilterTokenKind.Text) || name.Is("AND") || name.Is("OR"))
        {
            throw Misplaced(name);
        }

        if (++_clauses > FilterLimits.MaxConditions)
        {
            throw FilterError.At($"The filter has more than {FilterLimits.MaxConditions} conditions; split the search", name.Position);
        }

        _at++;
        var operatorPosition = Current.Position;
        var (operation, text) = Operator(name);
        var dot = name.Kind == FilterTokenKind.Word ? name.Text.IndexOf('.') : -1;
        var clause = new FilterClause
        {
            Prefix = dot > 0 ? name.Text[..dot] : null,
            Key = dot > 0 ? name.Text[(dot + 1)..] : name.Text,
            Position = name.Position,
            Operator = operation,
            OperatorText = text,
            OperatorPosition = operatorPosition,
        };
        return operation switch
        {
            FilterOperator.IsNull or FilterOperator.IsNotNull => clause,
            FilterOperator.In or FilterOperator.NotIn => clause with { Values = List() },
            _ => clause with { Values = [Value(name)] },
        };
    }

    private (FilterOperator Operator, string Text) Operator(FilterToken name)
    {
        var token = Current;
        if (token.Kind == FilterTokenKind.Operator)
        {
            _at++;
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

        foreach (var (words, operation) in (ReadOnlySpan<(string[], FilterOperator)>)
            [
                (["LIKE"], FilterOperator.Like), (["ILIKE"], FilterOperator.ILike), (["RLIKE"], FilterOperator.RLike),
                (["IN"], FilterOperator.In), (["NOT", "IN"], FilterOperator.NotIn),
                (["IS", "NULL"], FilterOperator.IsNull), (["IS", "NOT", "NULL"], FilterOperator.IsNotNull),
            ])
        {
            if (Follow(words))
            {
                _at += words.Length;
                return (operation, string.Join(' ', words));
            }
        }

        // A name that nothing follows is what is wrong, not the end.
        throw token.Kind is FilterTokenKind.End or FilterTokenKind.Close or FilterTokenKind.Semicolon || token.Is("AND") || token.Is("OR")
            ? FilterError.Clauses(Source, ". A comparison should follow", name)
            : Misplaced(token);
    }

    private bool Follow(string[] words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (!_tokens[_at + i].Is(words[i]))
            {
                return false;
            }
        }

        return true;
    }

    private FilterToken Value(FilterToken name)
    {
        var value = Current;
        switch (value.Kind)
        {
            case FilterTokenKind.Text or FilterTokenKind.Number:
                _at++;
                return value;
            case FilterTokenKind.Word when value.Is("true") || value.Is("false") || value.Is("null"):
                throw FilterError.Clauses(Source, $". Put quotes around the value: '{value.Raw}'", name, _tokens[_at - 1], value);
            case FilterTokenKind.Word:
                throw FilterError.At(
                    $"Parameter value is either not quoted or unidentified quote types used for string value {FilterError.Shown(value.Raw)}. Use either single or double quotes.",
                    value.Position);
            case FilterTokenKind.End:
                throw FilterError.At($"Invalid clause(s) in {Source}: the filter ends where a value should stand", value.Position);
            default:
                throw Misplaced(value);
        }
    }

    // What kinds of values a list may hold depends on the key, so any of them passes here.
    private List<FilterToken> List()
    {
        var open = Current;
        if (open.Kind != FilterTokenKind.Open)
        {
            throw Misplaced(open);
        }

        _at++;
        var values = new List<FilterToken>();
        while (Current.Kind != FilterTokenKind.Close)
        {
            if (Current.Kind == FilterTokenKind.End)
            {
                throw FilterError.Clauses(Source, ". The parenthesis is not closed", open);
            }

            if (Current.Kind is not (FilterTokenKind.Text or FilterTokenKind.Number or FilterTokenKind.Word))
            {
                throw Misplaced(Current);
            }

            if (values.Count == FilterLimits.MaxListValues)
            {
                throw FilterError.At($"The list has more than {FilterLimits.MaxListValues} values; split the search", Current.Position);
            }

            values.Add(Current);
            _at++;
            if (Current.Kind == FilterTokenKind.Comma)
            {
                _at++;
            }
            else if (Current.Kind is not (FilterTokenKind.Close or FilterTokenKind.End))
            {
                throw Misplaced(Current);
            }
        }

        _at++;
        return values.Count > 0
            ? values
            : throw FilterError.At("While parsing a list in the query, expected a non-empty list of string values, but got empty list", open.Position);
    }

    private static MlflowException Misplaced(FilterToken token) => token.Kind == FilterTokenKind.End
        ? FilterError.At($"Invalid clause(s) in {Source}: the filter ends too early", token.Position)
        : FilterError.Clauses(Source, "", token);
}
