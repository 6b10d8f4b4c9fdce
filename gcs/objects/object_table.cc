#include "gcs/objects/object_table.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::gcs {

using base::NodeId;
using base::ObjectId;

ObjectTable::Place* ObjectTable::FindPlace(Object& object, NodeId node) {
  const auto at =
      std::find_if(object.places.begin(), object.places.end(),
                   [node](const Place& place) { return place.node == node; });
  return at == object.places.end() ? nullptr : &*at;
}

void ObjectTable::Tell(const base::NodeObjects& said) {
  if (said.node.IsNil()) return;
  Node& node = nodes_[said.node];
  if (said.begins) ++node.list;
  for (const ObjectId object : said.gone) Erase(said.node, node, object);
  for (const base::ObjectAt& object : said.there) {
    Put(said.node, node, object);
  }
  if (said.ends) EraseDoubtful(said.node, node);
  node.count = said.count;
}

void ObjectTable::Put(NodeId node, Node& of, const base::ObjectAt& object) {
  if (object.object.IsNil()) return;
  const auto known = objects_.find(object.object);
  Place* place =
      known == objects_.end() ? nullptr : FindPlace(known->second, node);
  if (place == nullptr) {
    if (places_ >= options_.places_max) return;
    Object& added = objects_[object.object];
    added.places.push_back({node, {}, 0, {}});
    place = &added.places.back();
    of.objects.insert(object.object);
    ++places_;
  }
  Object& told = objects_.at(object.object);
  told.owner = object.owner;
  told.job = object.job;
  place->copies = object.copies;
  place->list = of.list;
  place->kept = object.kept;
}

void ObjectTable::Erase(NodeId node, Node& of, ObjectId object) {
  if (of.objects.erase(object) == 0) return;
  const auto known = objects_.find(object);
  MOBULA_CHECK(known != objects_.end());
  const std::size_t gone =
      std::erase_if(known->second.places,
                    [node](const Place& place) { return place.node == node; });
  MOBULA_CHECK(gone == 1);
  --places_;
  if (known->second.places.empty()) objects_.erase(known);
}

void ObjectTable::EraseDoubtful(NodeId node, Node& of) {
  std::vector<ObjectId> doubtful;
  for (const ObjectId object : of.objects) {
    const Place* const place = FindPlace(objects_.at(object), node);
    if (place->list != of.list) doubtful.push_back(object);
  }
  for (const ObjectId object : doubtful) Erase(node, of, object);
}

void ObjectTable::ForgetNode(NodeId node) {
  const auto known = nodes_.find(node);
  if (known == nodes_.end()) return;
  const std::set<ObjectId> objects = known->second.objects;
  for (const ObjectId object : objects) Erase(node, known->second, object);
  nodes_.erase(known);
}

std::uint64_t ObjectTable::unnamed() const {
  std::uint64_t unnamed = 0;
  for (const auto& [id, node] : nodes_) {
    if (node.count > node.objects.size()) {
      unnamed += node.count - node.objects.size();
    }
  }
  return unnamed;
}

base::ObjectsAnswer ObjectTable::List(const base::ListObjects& request) const {
  base::ObjectsAnswer answer;
  answer.named = objects_.size();
  answer.unnamed = unnamed();
  for (auto at = objects_.upper_bound(request.after); at != objects_.end();
       ++at) {
    if (answer.objects.size() >= request.count_max) {
      answer.more = true;
      break;
    }
    base::ObjectRecord record;
    record.object = at->first;
    record.owner = at->second.owner;
    record.job = at->second.job;
    for (const Place& place : at->second.places) {
      record.places.push_back({place.node, place.copies});
      record.kept.insert(record.kept.end(), place.kept.begin(),
                         place.kept.end());
    }
    answer.objects.push_back(std::move(record));
  }
  return answer;
}

void ObjectTable::CheckInvariants() const {
  MOBULA_CHECK(places_ <= options_.places_max);
  std::size_t places = 0;
  for (const auto& [id, object] : objects_) {
    MOBULA_CHECK(!object.places.empty());
    std::set<NodeId> nodes;
    for (const Place& place : object.places) {
      MOBULA_CHECK(nodes.insert(place.node).second);
      MOBULA_CHECK(nodes_.at(place.node).objects.contains(id));
      MOBULA_CHECK(place.list <= nodes_.at(place.node).list);
    }
    places += nodes.size();
  }
  MOBULA_CHECK(places == places_);
  for (const auto& [id, node] : nodes_) places -= node.objects.size();
  MOBULA_CHECK(places == 0);
}

}  // namespace mobula::gcs
