/* quotas.c: see quotas.h. */
#include "proc/quotas.h"

/* What a process gets that is made without saying how much. */
static constexpr uint16_t USUAL[QUOTA_RESOURCES] = {
    [RESOURCE_FRAMES] = 512, [RESOURCE_SLOTS] = 2048, [RESOURCE_OBJECTS] = 512, [RESOURCE_THREADS] = 32,
};

static constexpr enum status SHORTAGE[QUOTA_RESOURCES] = {
    [RESOURCE_FRAMES] = STATUS_NO_MEMORY, [RESOURCE_SLOTS] = STATUS_NO_SLOTS, [RESOURCE_OBJECTS] = STATUS_NO_OBJECTS,
    [RESOURCE_THREADS] = STATUS_NO_THREADS,
};

static struct quotas *all;

enum status quota_shortage(uint64_t resource) { return SHORTAGE[resource]; }

/* What of one is not in use becomes the other's. */
static void move(struct quota *from, struct quota *to, uint32_t count)
{
    from->limit -= count;
    to->limit += count;
}

static void add(struct quotas *quotas, struct quotas *maker)
{
    quotas->maker = maker;
    quotas->sealed = UINT32_MAX;
    quotas->ended = false;
    quotas->next = all;
    all = quotas;
}

void quotas_first(struct quotas *quotas, uint32_t const limits[QUOTA_RESOURCES])
{
    for (size_t i = 0; i < QUOTA_RESOURCES; i++) quotas->of[i] = (struct quota){ .limit = limits[i] };
    add(quotas, nullptr);
}

enum status quotas_open(struct quotas *quotas, struct quotas *maker, uint64_t wanted)
{
    struct quota *objects = &maker->of[RESOURCE_OBJECTS];
    if (!quota_take(objects, 1)) return STATUS_NO_OBJECTS;
    for (size_t i = 0; i < QUOTA_RESOURCES; i++) {
        uint32_t left = quota_left(&maker->of[i]), amount = (uint16_t)(wanted >> 16 * i);
        if (amount == 0) amount = left / 2 < USUAL[i] ? left / 2 : USUAL[i];
        if (amount > left) {
            for (size_t j = 0; j < i; j++) move(&quotas->of[j], &maker->of[j], quotas->of[j].limit);
            objects->used--;
            return SHORTAGE[i];
        }
        quotas->of[i] = (struct quota){};
        move(&maker->of[i], &quotas->of[i], amount);
    }
    add(quotas, maker);
    return STATUS_OK;
}

enum status quotas_limit(struct quotas *quotas, struct quotas const *by, uint64_t resource, uint32_t limit)
{
    if (resource >= QUOTA_RESOURCES) return STATUS_BAD_ARGUMENT;
    struct quotas *maker = quotas->maker;
    struct quota *quota = &quotas->of[resource];
    if (limit < quota->used) return STATUS_BAD_ARGUMENT;
    if (limit > quota->limit) {
        if (maker == nullptr || by != maker || (resource == RESOURCE_SLOTS && limit > quotas->sealed)) return STATUS_BAD_ARGUMENT;
        if (limit - quota->limit > quota_left(&maker->of[resource])) return SHORTAGE[resource];
        move(&maker->of[resource], quota, limit - quota->limit);
    } else if (maker != nullptr) {
        move(quota, &maker->of[resource], quota->limit - limit);
    }
    return STATUS_OK;
}

void quotas_end(struct quotas *quotas)
{
    struct quotas *maker = quotas->maker;
    quotas->ended = true;
    if (maker == nullptr) return;
    for (struct quotas *child = all; child != nullptr; child = child->next) {
        if (child->maker != quotas) continue;
        child->maker = maker;
        quotas->of[RESOURCE_OBJECTS].used--;
        move(&quotas->of[RESOURCE_OBJECTS], &maker->of[RESOURCE_OBJECTS], 1);
        maker->of[RESOURCE_OBJECTS].used++;
    }
    for (size_t i = 0; i < QUOTA_RESOURCES; i++) move(&quotas->of[i], &maker->of[i], quota_left(&quotas->of[i]));
}

void quotas_return(struct quotas *quotas, enum resource resource, uint32_t count)
{
    quotas->of[resource].used -= count;
    if (quotas->ended && quotas->maker != nullptr) move(&quotas->of[resource], &quotas->maker->of[resource], count);
}

bool quotas_close(struct quotas *quotas)
{
    if (!quotas->ended || quotas->maker == nullptr) return false;
    for (size_t i = 0; i < QUOTA_RESOURCES; i++)
        if (quotas->of[i].used != 0) return false;
    struct quotas **at = &all;
    while (*at != quotas) at = &(*at)->next;
    *at = quotas->next;
    quotas->maker->of[RESOURCE_OBJECTS].used--;
    return true;
}
