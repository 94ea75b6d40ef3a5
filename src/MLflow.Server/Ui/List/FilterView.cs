using MLflow.Server.Traces.Filters;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.List;

/// <summary>A filter with its two faces: the text as it is coloured, and its conditions as chips. A condition that is wrong is told and passed over; the others still hold.</summary>
public sealed class FilterView
{
    private const int LongestValue = 60;
    private readonly List<FilterChip> _chips = [];

    public FilterView(string? filter)
    {
        Text = filter ?? "";
        IReadOnlyList<FilterToken> tokens = [];
        try
        {
            tokens = FilterLexer.Read(Text, "filter string");
        }
        catch (MlflowException e)
        {
            Problem = new FilterProblem(Math.Min(e.Position ?? 1, Text.Length), Words(e), null);
        }

        foreach (var (start, end) in Conditions(tokens))
        {
            _chips.Add(Chip(start, end));
        }

        if (Problem is null)
        {
            Check();
        }

        Pieces = [.. Colour(tokens)];
        Holding = Problem is null ? Text : _chips.Where(chip => !chip.IsWrong).Aggregate("", (text, chip) => FilterText.And(text, Text[chip.Start..chip.End]));
    }

    /// <summary>As it was typed.</summary>
    public string Text { get; }

    /// <summary>What of it the server understands.</summary>
    public string Holding { get; }

    public IReadOnlyList<FilterChip> Chips => _chips;

    public IReadOnlyList<FilterPiece> Pieces { get; }

    /// <summary>The first thing that is wrong; null where all of it holds.</summary>
    public FilterProblem? Problem { get; private set; }

    /// <summary>The filter without one of its conditions.</summary>
    public string Without(FilterChip chip) => _chips.Where(other => other.Number != chip.Number).Aggregate("", (text, other) => text.Length == 0 ? Text[other.Start..other.End] : $"{text} AND {Text[other.Start..other.End]}");

    /// <summary>The filter and one more condition.</summary>
    public string With(string condition) => FilterText.And(Text, condition);

    /// <summary>The filter with what is wrong put right.</summary>
    public string? Mended => Problem is { Better: { } better } problem ? Text[..(problem.Position - 1)] + better + Text[End(problem.Position - 1)..] : null;

    // The conditions that the outermost ANDs join; with an OR among them the whole is one.
    private static List<(int Start, int End)> Conditions(IReadOnlyList<FilterToken> tokens)
    {
        var found = new List<(int Start, int End)>();
        var (start, end, depth) = (-1, 0, 0);
        foreach (var token in tokens)
        {
            depth += token.Kind switch { FilterTokenKind.Open => 1, FilterTokenKind.Close => -1, _ => 0 };
            if (depth <= 0 && token.Is("OR"))
            {
                var last = tokens[^2];
                return [(tokens[0].Position - 1, last.Position - 1 + last.Raw.Length)];
            }

            if (token.Kind is FilterTokenKind.End or FilterTokenKind.Semicolon || (depth <= 0 && token.Is("AND")))
            {
                if (start >= 0)
                {
                    found.Add((start, end));
                }

                start = -1;
                continue;
            }

            start = start < 0 ? token.Position - 1 : start;
            end = token.Position - 1 + token.Raw.Length;
        }

        return found;
    }

    private FilterChip Chip(int start, int end)
    {
        var text = Text[start..end];
        FilterTree<FilterClause>? tree = null;
        try
        {
            tree = FilterParser.Parse(text);
            TraceFilter.Parse(text);
        }
        catch (MlflowException e)
        {
            Problem ??= Tell(e, tree, start, end);
            return new FilterChip(_chips.Count, start, end, "", Cut(text), IsWrong: true);
        }

        return tree.Kind == FilterTreeKind.Condition && FilterField.Of(tree.Condition) is var (field, key)
            ? new FilterChip(_chips.Count, start, end, $"{T(field.Title)}{(key is null ? "" : " " + key)} {Comparison(tree.Condition)}".TrimEnd(), Value(tree.Condition), IsWrong: false)
            : new FilterChip(_chips.Count, start, end, "", Cut(text), IsWrong: false);
    }

    // What only the whole says: too many conditions, more than one filter.
    private void Check()
    {
        try
        {
            TraceFilter.Parse(Text);
        }
        catch (MlflowException e)
        {
            Problem = new FilterProblem(Math.Clamp(e.Position ?? 1, 1, Math.Max(1, Text.Length)), Words(e), null);
        }
    }

    private FilterProblem Tell(MlflowException e, FilterTree<FilterClause>? tree, int start, int end)
    {
        var position = Math.Min(start + (e.Position ?? 1), end);
        if (tree is not { Kind: FilterTreeKind.Condition } || e.Position != tree.Condition.Position)
        {
            return new FilterProblem(position, Words(e), null);
        }

        var name = Text[(position - 1)..End(position - 1)];
        var nearest = FilterField.Nearest(name);
        return nearest is null
            ? new FilterProblem(position, Words(e), null)
            : new FilterProblem(position, T("unknown field {0}. Did you mean {1}?", name, nearest), nearest);
    }

    // Where the word ends that begins here.
    private int End(int start)
    {
        var end = start;
        while (end < Text.Length && !char.IsWhiteSpace(Text[end]) && !"=<>!()".Contains(Text[end], StringComparison.Ordinal))
        {
            end++;
        }

        return Math.Max(end, Math.Min(start + 1, Text.Length));
    }

    private IEnumerable<FilterPiece> Colour(IReadOnlyList<FilterToken> tokens)
    {
        var at = 0;
        var isName = true;
        var inList = false;
        foreach (var token in tokens)
        {
            var (start, end) = (token.Position - 1, token.Position - 1 + token.Raw.Length);
            if (start > at)
            {
                yield return new FilterPiece(Text[at..start], null, null);
            }

            at = end;
            if (token.Kind == FilterTokenKind.End)
            {
                break;
            }

            var joins = token.Is("AND") || token.Is("OR") || (isName && token.Is("NOT"));
            inList = token.Kind switch { FilterTokenKind.Open when !isName => true, FilterTokenKind.Close => false, _ => inList };
            var css = Problem is { } problem && problem.Position - 1 == start ? "bad"
                : joins ? "kw"
                : token.Kind switch
                {
                    FilterTokenKind.Word or FilterTokenKind.Text when isName => "fd",
                    FilterTokenKind.Text or FilterTokenKind.Number => "vl",
                    FilterTokenKind.Word when !inList => "op",
                    FilterTokenKind.Operator => "op",
                    _ => null,
                };
            isName = joins || (isName && token.Kind == FilterTokenKind.Open);
            yield return new FilterPiece(Text[start..end], css, _chips.FirstOrDefault(chip => start >= chip.Start && end <= chip.End)?.Number);
        }

        if (at >= Text.Length)
        {
            yield break;
        }

        // What could not be cut into tokens.
        var bad = Math.Max(at, (Problem?.Position ?? 1) - 1);
        if (bad > at)
        {
            yield return new FilterPiece(Text[at..bad], null, null);
        }

        yield return new FilterPiece(Text[bad..], "bad", null);
    }

    private static string Words(MlflowException e) => e.Position is { } position && e.Message.EndsWith(FilterError.Suffix(position), StringComparison.Ordinal) ? e.Message[..^FilterError.Suffix(position).Length] : e.Message;

    private static string Comparison(FilterClause clause) => clause.Operator switch
    {
        FilterOperator.Equal or FilterOperator.In => T("is"),
        FilterOperator.NotEqual or FilterOperator.NotIn => T("is not"),
        FilterOperator.Greater => T("over"),
        FilterOperator.GreaterOrEqual => T("at least"),
        FilterOperator.Less => T("under"),
        FilterOperator.LessOrEqual => T("at most"),
        FilterOperator.ILike => T("has"),
        FilterOperator.Like => T("is like"),
        FilterOperator.RLike => T("matches"),
        FilterOperator.IsNull => T("is absent"),
        _ => T("is there"),
    };

    private static string Value(FilterClause clause) => Cut(string.Join(", ", clause.Values.Select(value => clause.Operator == FilterOperator.ILike ? value.Text.Trim('%') : value.Text)));

    private static string Cut(string text) => Formatting.PreviewText.Cut(text, LongestValue);
}
