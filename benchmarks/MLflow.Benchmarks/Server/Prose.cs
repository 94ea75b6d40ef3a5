using System.Globalization;
using System.Text;

namespace MLflow.Benchmarks.Server;

/// <summary>
/// Text that compresses as people's does: a few thousand words of which some are frequent and most are rare, in sentences, each word with a few
/// that often follow it. 4,000 characters of it have 0.42 of their bytes after zstd at level 1, as those of an English licence have.
/// </summary>
internal sealed class Prose
{
    private const int Words = 1500;
    private const int Followers = 2;
    private const double FollowRate = 0.92;

    private static readonly string[] Syllables =
        "a al an ar as at be ber by ca ce co con de den di do e ed el en er es ex fa for ge gen ha her i ic il in ing ion is it ity ke la le li lo ly ma me men mi mo na ne ni no o of on or per po pre pro ra re ri ro sa se si so sta ta te ter the ti tion to tra tu u un ur us ver vi way"
            .Split(' ');

    private static readonly string[] Vocabulary = MakeVocabulary();
    private static readonly double[] Weights = MakeWeights();

    private readonly Random _random;

    public Prose(Random random) => _random = random;

    /// <summary>About as many characters as asked for, of whole sentences; nothing in it needs to be escaped in JSON.</summary>
    public string Text(int characters)
    {
        var text = new StringBuilder(characters + 80);
        while (text.Length < characters)
        {
            var words = _random.Next(5, 18);
            var place = Place();
            for (var i = 0; i < words; i++, place = _random.NextDouble() < FollowRate ? ((place * 31) + _random.Next(Followers)) % (Words / 4) : Place())
            {
                var word = Vocabulary[place];
                text.Append(i == 0 ? char.ToUpperInvariant(word[0]) + word[1..] : word).Append(i == words - 1 ? ". " : _random.Next(12) == 0 ? ", " : " ");
            }
        }

        return text.ToString(0, text.Length - 1);
    }

    public string Word() => Vocabulary[Place()];

    private int Place()
    {
        var place = Array.BinarySearch(Weights, _random.NextDouble() * Weights[^1]);
        return place < 0 ? Math.Min(~place, Words - 1) : place;
    }

    public string Id(string prefix) => prefix + _random.NextInt64(1L << 60).ToString("x15", CultureInfo.InvariantCulture);

    private static string[] MakeVocabulary()
    {
        var random = new Random(1);
        var words = new HashSet<string>();
        while (words.Count < Words)
        {
            // The frequent ones are short.
            var syllables = words.Count < 60 ? 1 : words.Count < 600 ? 2 : random.Next(2, 5);
            words.Add(string.Concat(Enumerable.Range(0, syllables).Select(_ => Syllables[random.Next(Syllables.Length)])));
        }

        return [.. words];
    }

    /// <summary>Zipf's law, summed up.</summary>
    private static double[] MakeWeights()
    {
        var sum = 0.0;
        return [.. Enumerable.Range(1, Words).Select(rank => sum += 1.0 / rank)];
    }
}
